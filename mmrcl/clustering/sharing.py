"""Distribution of work over ranks, and progress reports."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

import torch.distributed as dist
from torch import Tensor

Item = TypeVar('Item')


class Progress(Protocol):
    """Progress callback: an iterable over ``items`` that reports how many are done."""

    def __call__(self, items: Sequence[Item], what: str) -> Iterable[Item]:
        """Yield ``items``; ``what`` describes the work, such as "Comparing images"."""
        ...


def silent(items: Sequence[Item], what: str) -> Iterable[Item]:
    """Return ``items``: a :class:`Progress` that reports nothing."""
    return items


class Ranks:
    """The ranks that share a piece of work; a single one by default.

    Every method except :meth:`share` is collective: all ranks must call it.

    Args:
        rank: number of this process.
        size: number of processes.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank = rank
        self.size = size

    @classmethod
    def all(cls) -> 'Ranks':
        """Return all ranks of torch.distributed, or a single one if it is not initialised."""
        if dist.is_available() and dist.is_initialized():
            return cls(dist.get_rank(), dist.get_world_size())
        return cls()

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """Select the items of this rank: every ``size``-th one."""
        return items[self.rank :: self.size]

    def sum_(self, values: Tensor) -> None:
        """Replace ``values`` by their sum over ranks."""
        if self.size > 1:
            dist.all_reduce(values)

    def min_(self, values: Tensor) -> None:
        """Replace ``values`` by their minimum over ranks."""
        if self.size > 1:
            dist.all_reduce(values, dist.ReduceOp.MIN)

    def agree_(self, values: Tensor) -> None:
        """Replace ``values`` by those of rank 0."""
        if self.size > 1:
            dist.broadcast(values, 0)

    def of_others(self, values: Tensor) -> Iterator[Tensor]:
        """Yield the ``values`` of every other rank, one after another."""
        for rank in range(self.size if self.size > 1 else 0):
            theirs = values.clone()
            dist.broadcast(theirs, rank)
            if rank != self.rank:
                yield theirs
