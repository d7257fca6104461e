"""Grouped tensors: reductions over the rows of a table that share a key, without a Python loop."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

_PIECE = 256  # rows summed one after another


class Groups(NamedTuple):
    """Rows gathered by key.

    Attributes:
        ids: keys, ascending, shape (G,).
        inverse: group of each row, shape (n,).
        order: row numbers, group after group and ascending inside each, shape (n,).
        counts: number of rows of each group, shape (G,).
        starts: start of each group in ``order``, shape (G,).
        marked: number of marked rows of each group, shape (G,).
        host: ``counts`` and ``marked`` on the host, shape (2, G).
    """

    ids: Tensor
    inverse: Tensor
    order: Tensor
    counts: Tensor
    starts: Tensor
    marked: Tensor
    host: Tensor


def group_rows(keys: Tensor, marks: Tensor | None = None) -> Groups:
    """Group the rows of a table by integer keys, with one transfer to the host.

    Args:
        keys: shape (n,).
        marks: which rows are marked, shape (n,), bool; all without it.
    """
    ordered, order = keys.sort(stable=True)
    number = torch.zeros_like(order)
    torch.cumsum(ordered[1:] != ordered[:-1], 0, out=number[1:])
    inverse = torch.empty_like(order).scatter_(0, order, number)
    sums = order.new_zeros(1 if marks is None else 2, len(order))
    sums[0].scatter_add_(0, number, torch.ones_like(order))
    if marks is not None:
        sums[1].scatter_add_(0, inverse, marks.long())
    host = sums.cpu()
    total = int(host[0].count_nonzero())
    sums, host = (part[:, :total].expand(2, -1) for part in (sums, host))
    starts = sums[0].cumsum(0) - sums[0]
    return Groups(ordered[starts], inverse, order, sums[0], starts, sums[1], host)


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
    total = int(((groups.host[0] + _PIECE - 1) // _PIECE).sum())
    if total == len(groups.ids):
        return _bag_sums(table, rows[groups.order], groups.starts)
    pieces = (groups.counts + _PIECE - 1) // _PIECE
    first = pieces.cumsum(0) - pieces
    group = torch.arange(len(pieces), device=rows.device)
    group = group.repeat_interleave(pieces, output_size=total)
    number = torch.arange(len(group), device=rows.device) - first[group]
    starts = groups.starts[group] + _PIECE * number
    sums = _bag_sums(table, rows[groups.order], starts)
    return embedding_bag(torch.arange(len(sums), device=rows.device), sums, first, mode='sum')


def _bag_sums(table: Tensor, rows: Tensor, starts: Tensor) -> Tensor:
    """Sum ``table[rows]`` over consecutive runs of ``rows`` that begin at ``starts``."""
    if table.dtype not in (torch.float16, torch.bfloat16):
        return embedding_bag(rows, table, starts, mode='sum')
    sums = [table.new_empty(0, table.shape[1], dtype=torch.float32)]
    step = max(1, BlockSizes.of(table.device).converted // _PIECE)
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


def mean_by_index(indices: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """Return ascending indices (n,), and for each the mean of the values (n, d) that share it.

    Repeated indices stay, with equal means, so that no shape depends on their number and a GPU
    keeps the host waiting for none.
    """
    images, order = indices.sort(stable=True)
    first = torch.searchsorted(images, images)
    end = torch.searchsorted(images, images, right=True)
    # A bag reaches from its start to that of the next: the last row of an image has its whole sum.
    sums = embedding_bag(order, values, first, mode='sum')
    return images, sums[end - 1] / (end - first)[:, None]


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


def first_true(chosen: Tensor, number: int) -> Tensor:
    """Return the places of the true elements of ``chosen`` (n,), which are ``number``."""
    place = (chosen.cumsum(0) - 1).masked_fill_(~chosen, number)
    everyone = torch.arange(len(chosen), device=chosen.device)
    return everyone.new_empty(number + 1).scatter_(0, place, everyone)[:number]


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
            chosen, but takes memory for each and makes the host wait.
        converted: rows of a half precision table converted to float32 at a time.
    """

    padded: int
    spread: int
    products: int
    listed: bool
    converted: int

    @classmethod
    def of(cls, device: torch.device) -> 'BlockSizes':
        """Return the sizes that suit the ``device``."""
        return _CPU if device.type == 'cpu' else _ACCELERATOR


_CPU = BlockSizes(padded=1 << 22, spread=2, products=1 << 22, listed=True, converted=1 << 17)
_ACCELERATOR = BlockSizes(
    padded=1 << 24, spread=8, products=1 << 26, listed=False, converted=1 << 19
)


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


def size_batches(
    groups: Groups, least: int, widest: int, depth: int, largest: int | None = None
) -> Iterator[SizeBatch]:
    """Batch groups of similar size that have a marked row, the largest first.

    Args:
        groups: the grouped table.
        least: smaller groups are left out.
        widest: maximum width of a batch.
        depth: length of a row's features.
        largest: larger groups are left out.
    """

    def wanted(counts: Tensor, marked: Tensor) -> Tensor:
        chosen = (counts >= least) & (marked > 0)
        return chosen if largest is None else chosen & (counts <= largest)

    blocks = BlockSizes.of(groups.counts.device)
    # Sorted on both sides, which needs no transfer.
    sizes = groups.host[0][wanted(*groups.host)].sort(descending=True).values
    chosen = first_true(wanted(groups.counts, groups.marked), len(sizes))
    order = chosen[groups.counts[chosen].argsort(descending=True, stable=True)]
    widths = sizes.clamp(max=widest)
    begin = 0
    while begin < len(sizes):
        width = int(widths[begin])
        alike = int((widths[begin:] > width // blocks.spread).sum())
        fitting = max(1, blocks.padded // (width * max(width, depth)))
        part = slice(begin, begin + min(alike, fitting))
        yield SizeBatch(order[part], width, int((sizes[part] > width).sum()))
        begin = part.stop
