"""One of two processes that read folders as FSDP2 does; the first writes what both of them hold together.

python -m tests.training.read_shards RANK STORE FOLDER...
"""

import sys
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import torch
from torch import distributed
from torch.distributed.device_mesh import init_device_mesh

from mmst.training.building import FullyShardStrategy, ModelBuilder
from tests.commands import LIMIT

PROCESSES = 2
WHOLE = "whole.pt"


class Strategy(FullyShardStrategy):
    """Over both processes, on a CPU, without a trainer."""

    def __init__(self, mesh):
        super().__init__()
        self.mesh = mesh

    device_mesh = property(lambda self: self.mesh)
    root_device = property(lambda self: torch.device("cpu"))


def main(rank, store, folders):
    """Read each folder and gather it."""
    patience = timedelta(seconds=LIMIT)
    distributed.init_process_group("gloo", f"file://{store}", patience, rank=rank, world_size=PROCESSES)
    strategy = Strategy(init_device_mesh("cpu", (PROCESSES,), mesh_dim_names=("data_parallel",)))
    for folder in folders:
        module = SimpleNamespace(trainer=SimpleNamespace(strategy=strategy, precision="32-true"))
        model = ModelBuilder(Path(folder))(module)
        sharded = sum(parameter.to_local().numel() < parameter.numel() for parameter in model.parameters())
        whole = {name: parameter.full_tensor().detach().clone() for name, parameter in model.named_parameters()}
        if rank == 0:
            torch.save({"whole": whole, "sharded": sharded}, Path(folder) / WHOLE)
    distributed.barrier()
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
