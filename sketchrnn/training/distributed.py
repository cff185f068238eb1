"""Several processes that train one model: each takes its share of every batch."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed, nn


@dataclass(frozen=True)
class Workers:
    """The processes of a run, as one of them sees them.

    Attributes:
        rank: which it is; 0 writes the files and talks.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def writes(self) -> bool:
        """This process writes the files."""
        return self.rank == 0

    @property
    def share(self) -> slice:
        """This process's share of a list that all processes have: every so many-th."""
        return slice(self.rank, None, self.size)

    def part_of(self, count: int) -> slice:
        """Return this process's part of so many things: those that lie together, as many for each."""
        return slice(self.rank * count // self.size, (self.rank + 1) * count // self.size)

    def wrap(self, network: nn.Module) -> nn.Module:
        """Return the network such that gradients are averaged over the processes."""
        return network if self.size == 1 else nn.parallel.DistributedDataParallel(network)

    def sum(self, value: Tensor) -> Tensor:
        """Return the sum over the processes of a tensor without gradient; nobody waits for a GPU."""
        if self.size > 1:
            value = value.clone()
            distributed.all_reduce(value)
        return value

    def any(self, flag: bool) -> bool:
        """Return whether the flag is set in one of the processes, the same in all of them."""
        return bool(self.sum(torch.tensor(float(flag)))) if self.size > 1 else flag

    def merge(self, parts: list[Any]) -> list[Any]:
        """Return the whole list of which each process made its :attr:`share`."""
        if self.size == 1:
            return parts
        shares: list[Any] = [None] * self.size
        distributed.all_gather_object(shares, parts)
        merged: list[Any] = [None] * sum(len(part) for part in shares)
        for rank, part in enumerate(shares):
            merged[rank :: self.size] = part
        return merged


ALONE = Workers()


@contextlib.contextmanager
def join_workers() -> Iterator[Workers]:
    """Join the processes that ``torchrun`` started; without it there is this one alone.

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
    distributed.init_process_group(backend)
    try:
        yield Workers(distributed.get_rank(), distributed.get_world_size())
        distributed.barrier()  # a process that leaves while another still writes may end in an abort
    finally:
        distributed.destroy_process_group()
