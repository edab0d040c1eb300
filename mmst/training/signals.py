"""Which signals end a training once its step is saved; without imports, for those that only start trainings."""

import signal

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
"""SIGTERM: Slurm's at `scancel`, at preemption and before the time is over; the others: what its `--signal` is often told."""
