"""Grouped tensors: reductions over the rows of a table that share a key, without a Python loop."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

_PIECE = 256  # rows summed one after another
_CONVERTED = 1 << 17  # rows of a half precision table converted to float32 at a time


class Groups(NamedTuple):
    """Rows gathered by key.

    Attributes:
        ids: keys, ascending, shape (G,).
        inverse: group of each row, shape (n,).
        order: row numbers, group after group and ascending inside each, shape (n,).
        counts: number of rows of each group, shape (G,).
        starts: start of each group in ``order``, shape (G,).
    """

    ids: Tensor
    inverse: Tensor
    order: Tensor
    counts: Tensor
    starts: Tensor


def group_rows(keys: Tensor) -> Groups:
    """Group the rows of a table by integer ``keys`` of shape (n,)."""
    ids, inverse, counts = torch.unique(keys, return_inverse=True, return_counts=True)
    order = torch.argsort(inverse, stable=True)
    return Groups(ids, inverse, order, counts, counts.cumsum(0) - counts)


def segment_sum(table: Tensor, rows: Tensor, groups: Groups) -> Tensor:
    """Sum ``table[rows]`` over each group, shape (G, d), without copying these rows.

    Groups are summed in pieces of a fixed number of rows, so that several threads share a large
    group, and always in the same order: the result is the same on every call and every rank, which
    atomic additions on a GPU would not guarantee.

    Args:
        table: shape (N, d); half precision is summed in float32.
        rows: row numbers of the table, shape (n,).
        groups: ``rows`` grouped.
    """
    pieces = (groups.counts + _PIECE - 1) // _PIECE
    first = pieces.cumsum(0) - pieces
    group = torch.arange(len(pieces), device=rows.device).repeat_interleave(pieces)
    number = torch.arange(len(group), device=rows.device) - first[group]
    starts = groups.starts[group] + _PIECE * number
    sums = _bag_sums(table, rows[groups.order], starts)
    return embedding_bag(torch.arange(len(sums), device=rows.device), sums, first, mode='sum')


def _bag_sums(table: Tensor, rows: Tensor, starts: Tensor) -> Tensor:
    """Sum ``table[rows]`` over consecutive runs of ``rows`` that begin at ``starts``."""
    if table.dtype not in (torch.float16, torch.bfloat16):
        return embedding_bag(rows, table, starts, mode='sum')
    ends = torch.cat([starts[1:], starts.new_tensor([len(rows)])])
    sums = [table.new_empty(0, table.shape[1], dtype=torch.float32)]
    for part in torch.arange(len(starts), device=rows.device).split(_CONVERTED // _PIECE):
        begin, end = int(starts[part[0]]), int(ends[part[-1]])
        taken = table[rows[begin:end]].float()
        place = torch.arange(end - begin, device=rows.device)
        sums.append(embedding_bag(place, taken, starts[part] - begin, mode='sum'))
    return torch.cat(sums)


def segment_mean(values: Tensor, groups: Groups) -> Tensor:
    """Average ``values`` (n, d) over each group, shape (G, d); see :func:`segment_sum`."""
    rows = torch.arange(len(values), device=values.device)
    return segment_sum(values, rows, groups) / groups.counts[:, None]


def segment_min(values: Tensor, groups: Groups) -> Tensor:
    """Return the smallest of the integer ``values`` (n,) in each group, shape (G,)."""
    top = torch.iinfo(values.dtype).max
    out = values.new_full((len(groups.ids),), top)
    return out.scatter_reduce_(0, groups.inverse, values, 'amin')


def padded_rows(groups: Groups, chosen: Tensor, width: int) -> Tensor:
    """Return the row numbers of the ``chosen`` groups, one group per line, padded with -1.

    A group larger than ``width`` is represented by ``width`` evenly spaced rows.

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


def true_places(chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rows and columns where ``chosen`` (m, n) is true; fast if few are."""
    # View eight bools as one int64, so that the scan over mostly empty blocks reads few elements.
    if chosen.numel() % 8:
        rows, cols = chosen.nonzero(as_tuple=True)
        return rows, cols
    words = chosen.view(-1).view(torch.int64).nonzero()[:, 0]
    word, byte = chosen.view(-1, 8)[words].nonzero(as_tuple=True)
    flat = words[word] * 8 + byte
    return flat // chosen.shape[1], flat % chosen.shape[1]


def size_buckets(
    counts: Tensor, widest: int, depth: int, budget: int
) -> Iterator[tuple[Tensor, int]]:
    """Split groups into batches of similar size, so that at most about half a batch is padding.

    Args:
        counts: group sizes, shape (G,).
        widest: maximum width of a batch; larger groups are put into batches of this width.
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
