"""Grouped tensors: the rows of a table gathered by a key, without a loop over the groups."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor


class Groups(NamedTuple):
    """Rows gathered by key.

    Attributes:
        ids: keys, ascending, shape (G,).
        inverse: group of each row, shape (n,).
        order: row numbers, group after group and ascending inside each, shape (n,).
        counts: rows of each group, shape (G,).
        starts: where each group begins in ``order``, shape (G,).
    """

    ids: Tensor
    inverse: Tensor
    order: Tensor
    counts: Tensor
    starts: Tensor


def group_rows(keys: Tensor) -> Groups:
    """Groups the rows of a table by integer ``keys`` of shape (n,)."""
    ids, inverse, counts = torch.unique(keys, return_inverse=True, return_counts=True)
    order = torch.argsort(inverse, stable=True)
    return Groups(ids, inverse, order, counts, counts.cumsum(0) - counts)


def segment_mean(values: Tensor, groups: Groups) -> Tensor:
    """Mean of ``values`` (n, d) over each group, shape (G, d).

    Sums run in row order, so the result is the same on every call and every rank, which atomic
    additions on a GPU would not guarantee.
    """
    return torch.segment_reduce(values[groups.order], 'mean', lengths=groups.counts, axis=0)


def segment_min(values: Tensor, groups: Groups) -> Tensor:
    """Smallest of the integer ``values`` (n,) in each group, shape (G,)."""
    top = torch.iinfo(values.dtype).max
    out = values.new_full((len(groups.ids),), top)
    return out.scatter_reduce_(0, groups.inverse, values, 'amin')


def padded_rows(groups: Groups, chosen: Tensor, width: int) -> Tensor:
    """Row numbers of the ``chosen`` groups, one group a line, padded with -1.

    A group larger than ``width`` is represented by rows evenly spaced over it.

    Args:
        groups: the grouped table.
        chosen: group numbers, shape (g,).
        width: columns of the result.

    Returns:
        Row numbers, shape (g, width).
    """
    counts = groups.counts[chosen, None]
    column = torch.arange(width, device=counts.device)
    step = torch.where(counts > width, column * counts // width, column)
    rows = groups.order[(groups.starts[chosen, None] + step).clamp(max=len(groups.order) - 1)]
    return rows.masked_fill(column >= counts, -1)


def size_buckets(
    counts: Tensor, widest: int, depth: int, budget: int
) -> Iterator[tuple[Tensor, int]]:
    """Splits groups into batches of like size, so that about half a batch is padding at most.

    Args:
        counts: group sizes, shape (G,).
        widest: widest batch; larger groups share it.
        depth: length of a row's features.
        budget: bound on ``groups * width * max(width, depth)``, the elements of one batch.

    Yields:
        Group numbers, and the width of their padded batch: their largest size, at most ``widest``.
    """
    sizes = counts.clamp(max=widest)
    low, high = 0, 4
    while low < widest:
        members = ((sizes > low) & (sizes <= high)).nonzero().flatten()
        if len(members):
            width = int(sizes[members].max())
            for chunk in members.split(max(1, budget // (width * max(width, depth)))):
                yield chunk, width
        low, high = high, 2 * high
