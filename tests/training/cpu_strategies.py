"""Lightning's FSDP and DeepSpeed strategies on a CPU, for tests: Lightning refuses them there, the libraries do not."""

from __future__ import annotations

import os
from contextlib import nullcontext

import torch
from lightning.fabric.utilities.distributed import _init_dist_connection
from lightning.fabric.utilities.seed import reset_seed
from lightning.pytorch.strategies import DeepSpeedStrategy, FSDPStrategy, ParallelStrategy
from torch.distributed.fsdp import FullyShardedDataParallel

os.environ.setdefault("DS_ACCELERATOR", "cpu")


class CpuDeepSpeedStrategy(DeepSpeedStrategy):
    def __init__(self, **options):
        import deepspeed.comm.torch

        deepspeed.comm.torch.build_shm_op = lambda: None  # it would compile an extension for a minute, to save copies
        super().__init__(process_group_backend="gloo", **options)
        zero = self.config["zero_optimization"]
        if self.zero_stage_3:
            zero["stage3_param_persistence_threshold"] = (
                0  # else small tensors are not divided, and a small model is small tensors
            )
        if zero.get("offload_optimizer"):
            self.config["zero_force_ds_cpu_optimizer"] = False  # it is compiled, too

    def setup_environment(self):
        super(DeepSpeedStrategy, self).setup_environment()

    @property
    def root_device(self):
        return torch.device("cpu", self.local_rank)  # DeepSpeed wants an index

    def setup_distributed(self):
        reset_seed()
        self.set_world_ranks()
        self._init_deepspeed_distributed()


class CpuFSDPStrategy(FSDPStrategy):
    @property
    def root_device(self):
        return torch.device("cpu")

    def setup_environment(self):
        super(ParallelStrategy, self).setup_environment()
        reset_seed()
        self.set_world_ranks()
        self._process_group_backend = "gloo"
        _init_dist_connection(self.cluster_environment, "gloo")

    def model_sharded_context(self):
        return nullcontext()

    def _setup_model(self, model):
        return FullyShardedDataParallel(
            module=model, sharding_strategy=self.sharding_strategy, device_id=self.root_device, **self.kwargs
        )

    def _determine_device_ids(self):
        return None
