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
    ordered, order = keys.sort(stable=True)
    found = torch.unique_consecutive(ordered, return_inverse=True, return_counts=True)
    ids, number, counts = found
    inverse = torch.empty_like(order).scatter_(0, order, number)
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
    sums = [table.new_empty(0, table.shape[1], dtype=torch.float32)]
    step = _CONVERTED // _PIECE
    bounds = [*starts[::step].tolist(), len(rows)]
    for part, begin, end in zip(starts.split(step), bounds, bounds[1:], strict=False):
        taken = table[rows[begin:end]].float()
        place = torch.arange(end - begin, device=rows.device)
        sums.append(embedding_bag(place, taken, part - begin, mode='sum'))
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
    # An accelerator scans fast, but each size that the host must learn makes it wait.
    if chosen.numel() % 8 or chosen.device.type != 'cpu':
        rows, cols = chosen.nonzero(as_tuple=True)
        return rows, cols
    words = chosen.view(-1).view(torch.int64).nonzero()[:, 0]
    word, byte = chosen.view(-1, 8)[words].nonzero(as_tuple=True)
    flat = words[word] * 8 + byte
    return flat // chosen.shape[1], flat % chosen.shape[1]


def true_pairs(chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Return the true pairs above the diagonals of ``chosen`` (G, n, n), changed in place.

    Returns:
        Both members of each pair, as positions in the flattened (G, n).
    """
    first, col = true_places(chosen.triu_(1).flatten(0, 1))
    return first, first - first % chosen.shape[2] + col


class BlockSizes(NamedTuple):
    """Sizes of the blocks in which padded groups and products are computed.

    A CPU works best within its caches. On a GPU each block costs about a hundred kernels and a few
    waits, whatever it holds; the sizes bound its memory to about 0.7 GB.

    Attributes:
        padded: bound on ``groups * width * max(width, depth)`` of a batch of padded groups.
        spread: ratio of the largest to the smallest group of a batch.
        products: bound on the elements of a block of products.
        listed: whether pairs are listed before they are counted, which is faster where few are
            chosen, but takes memory for each.
    """

    padded: int
    spread: int
    products: int
    listed: bool

    @classmethod
    def of(cls, device: torch.device) -> 'BlockSizes':
        """Return the sizes that suit the ``device``."""
        return _CPU if device.type == 'cpu' else _ACCELERATOR


_CPU = BlockSizes(padded=1 << 22, spread=2, products=1 << 22, listed=True)
_ACCELERATOR = BlockSizes(padded=1 << 24, spread=8, products=1 << 26, listed=False)


class SizeBatch(NamedTuple):
    """Groups of similar size.

    Attributes:
        chosen: group numbers, the largest group first, shape (g,).
        width: width of their padded batch.
        wider: number of groups that are larger than ``width``; they come first.
    """

    chosen: Tensor
    width: int
    wider: int


def size_batches(counts: Tensor, least: int, widest: int, depth: int) -> Iterator[SizeBatch]:
    """Batch groups of similar size, the largest first, with one transfer to the host.

    Args:
        counts: group sizes, shape (G,).
        least: smaller groups are left out.
        widest: maximum width of a batch.
        depth: length of a row's features.
    """
    blocks = BlockSizes.of(counts.device)
    ordered, order = counts.sort(descending=True, stable=True)
    sizes = ordered.cpu()
    widths = sizes.clamp(max=widest)
    begin, end = 0, int((sizes >= least).sum())
    while begin < end:
        width = int(widths[begin])
        alike = int((widths[begin:end] > width // blocks.spread).sum())
        fitting = max(1, blocks.padded // (width * max(width, depth)))
        part = slice(begin, begin + min(alike, fitting))
        yield SizeBatch(order[part], width, int((sizes[part] > width).sum()))
        begin = part.stop
