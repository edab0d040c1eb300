"""A Slurm of two nodes on one machine, in its own folder: Debian's slurmctld, slurmd, slurm-client and munge, run by root."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
from pathlib import Path

from tests.waiting import until

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scancel", "scontrol", "squeue")
NODES = ("n1", "n2")
CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerType=sched/builtin
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
KillWait=600
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={n1} CPUs={cpus} State=UNKNOWN
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={n2} CPUs={cpus} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def can_run() -> bool:
    """Whether a controller can be started here."""
    return os.geteuid() == 0 and all(shutil.which(name) for name in NEEDED)


class Slurm:
    """The daemons, in the foreground of processes of their own."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
        self._daemons: list[subprocess.Popen[bytes]] = []
        for name in ("state", *NODES):
            (folder / name).mkdir()
        key = folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        names = {"host": socket.gethostname().split(".")[0], "folder": folder, "cpus": os.cpu_count()}
        ports = dict(zip(("controller", *NODES), free_ports(3), strict=True))
        (folder / "slurm.conf").write_text(CONF.format(**names, **ports))
        (folder / "cgroup.conf").touch()

    def start(self):
        places = {"key-file": "key", "pid-file": "pid", "log-file": "log", "seed-file": "seed", "socket": "sock"}
        options = [f"--{option}={self.folder}/munge.{end}" for option, end in places.items()]
        self._daemon("munged", "--foreground", "--force", *options)
        until((self.folder / "munge.sock").exists)
        self._daemon("slurmctld", "-D", "-c")
        for node in NODES:
            self._daemon("slurmd", "-D", "-N", node)
        until(lambda: "here" in self.ask("srun", "--immediate=5", "--nodes=2", "echo", "here", check=False))

    def stop(self):
        self.ask("scancel", "--full", "--signal=KILL", "--user=root", check=False)
        for daemon in reversed(self._daemons):
            daemon.terminate()
        for daemon in self._daemons:
            daemon.wait()

    def ask(self, *command, check=True, env=None, **more):
        """What one of Slurm's commands prints."""
        told = subprocess.run(command, env=env or self.environment, text=True, capture_output=True, check=False, **more)
        assert not check or told.returncode == 0, f"{command}: {told.stderr}"
        return told.stdout.strip()

    def state(self, job):
        """PENDING, RUNNING, ...; empty where the job is over."""
        return self.ask("squeue", "--noheader", f"--jobs={job}", "--format=%T", check=False)

    def _daemon(self, *command):
        log = (self.folder / f"{command[0]}.log").open("ab")
        self._daemons.append(subprocess.Popen(command, env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL))


def free_ports(number):
    sockets = [socket.socket() for _ in range(number)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
