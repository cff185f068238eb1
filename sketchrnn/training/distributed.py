"""The hardware of a run: its device, its precision, and the processes that share every batch."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed, nn

from sketchrnn.errors import ConfigurationError


@dataclass(frozen=True)
class Workers:
    """The processes of a run, and which one this is.

    Attributes:
        rank: number of this process; process 0 writes the files and the messages.
        size: number of processes.
    """

    rank: int = 0
    size: int = 1

    @property
    def writes(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    @property
    def strided_shard(self) -> slice:
        """This process's shard of a list that all processes have: every ``size``-th item."""
        return slice(self.rank, None, self.size)

    def contiguous_shard(self, count: int) -> slice:
        """Return this process's contiguous shard of ``count`` items; all shards have about the same size."""
        return slice(self.rank * count // self.size, (self.rank + 1) * count // self.size)

    def wrap(self, network: nn.Module) -> nn.Module:
        """Return the network, with gradients that are averaged over the processes."""
        return network if self.size == 1 else nn.parallel.DistributedDataParallel(network)

    def sum(self, value: Tensor) -> Tensor:
        """Return the sum of a tensor without gradient over the processes, without waiting for a GPU."""
        if self.size > 1:
            value = value.clone()
            distributed.all_reduce(value)
        return value

    def any(self, flag: bool) -> bool:
        """Return whether the flag is set in any of the processes; the result is the same in all of them."""
        return bool(self.sum(torch.tensor(float(flag)))) if self.size > 1 else flag

    def merge(self, shard: list[Any]) -> list[Any]:
        """Gather the whole list from the :attr:`strided_shard` of each process."""
        if self.size == 1:
            return shard
        shards: list[Any] = [None] * self.size
        distributed.all_gather_object(shards, shard)
        merged: list[Any] = [None] * sum(map(len, shards))
        for rank, items in enumerate(shards):
            merged[rank :: self.size] = items
        return merged


ALONE = Workers()


@contextlib.contextmanager
def join_workers() -> Iterator[Workers]:
    """Join the processes that ``torchrun`` started; without torchrun there is only this one.

    Reference:
        docs.pytorch.org/docs/stable/elastic/run.html, for the environment's variables.
    """
    if not distributed.is_torchelastic_launched() or os.environ["WORLD_SIZE"] == "1":
        yield ALONE
        return
    backend = "gloo"
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
        backend = "cpu:gloo,cuda:nccl"
    # a process that waits in C++ code runs no Python handler, and torchrun ends it if another one fails before joining
    on_termination = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        distributed.init_process_group(backend)
    finally:
        signal.signal(signal.SIGTERM, on_termination)
    try:
        yield Workers(distributed.get_rank(), distributed.get_world_size())
        distributed.barrier()  # a process that ends while another one still writes could abort
    finally:
        distributed.destroy_process_group()


def choose_device(name: str) -> str:
    """Return "cpu" or "cuda:0", or the GPU of this process; "auto" is a GPU if there is one.

    Raises:
        ConfigurationError: "cuda" is given and there is no GPU.
    """
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise ConfigurationError("device: expected a GPU for cuda, found none. Use --device cpu")
    if name == "cpu" or not available:
        return "cpu"
    return f"cuda:{torch.cuda.current_device()}"


WITHOUT_BFLOAT16 = frozenset(["SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX512_CORE", "AVX512_CORE_VNNI"])
"""Values of ONEDNN_MAX_CPU_ISA with which torch cannot compute in bfloat16, on any processor."""


def choose_precision(name: str, device: str) -> str:
    """Return "float32" or "bfloat16"; "auto" is bfloat16 on a GPU and on a CPU with native support."""
    if name != "auto":
        return name
    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    if os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper() in WITHOUT_BFLOAT16:
        return "float32"
    is_native = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # torch has no public function for it yet
    return "bfloat16" if is_native is not None and is_native() else "float32"
