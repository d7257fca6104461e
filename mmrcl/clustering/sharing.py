"""Work shared over the ranks of a launcher."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

import torch.distributed as dist
from torch import Tensor

Item = TypeVar('Item')


class Progress(Protocol):
    """Passes ``items`` through and tells someone how far along they are."""

    def __call__(self, items: Sequence[Item], what: str) -> Iterable[Item]:
        """The same items; ``what`` names the work, such as "Comparing images"."""
        ...


def silent(items: Sequence[Item], what: str) -> Iterable[Item]:
    """A :class:`Progress` that tells no one."""
    return items


class Ranks:
    """The ranks that share a piece of work; one alone by default.

    Every method but :meth:`share` is collective: all ranks must come by.

    Args:
        rank: number of this process.
        size: number of processes.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank = rank
        self.size = size

    @classmethod
    def all(cls) -> 'Ranks':
        """All ranks of torch.distributed, or this process alone where that is not in use."""
        if dist.is_available() and dist.is_initialized():
            return cls(dist.get_rank(), dist.get_world_size())
        return cls()

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """The items of this rank: every ``size``-th one."""
        return items[self.rank :: self.size]

    def sum_(self, values: Tensor) -> None:
        """Replaces ``values`` by their sum over ranks."""
        if self.size > 1:
            dist.all_reduce(values)

    def min_(self, values: Tensor) -> None:
        """Replaces ``values`` by their minimum over ranks."""
        if self.size > 1:
            dist.all_reduce(values, dist.ReduceOp.MIN)

    def agree_(self, values: Tensor) -> None:
        """Replaces ``values`` by those of rank 0."""
        if self.size > 1:
            dist.broadcast(values, 0)

    def of_others(self, values: Tensor) -> Iterator[Tensor]:
        """The ``values`` of every other rank, one after another."""
        for rank in range(self.size if self.size > 1 else 0):
            theirs = values.clone()
            dist.broadcast(theirs, rank)
            if rank != self.rank:
                yield theirs
