"""Splitting of clusters along density peaks of their units (Sect. 4.3, Fig. 4)."""

from collections.abc import Iterator

import torch
from torch import Tensor

from ..copies import SAME, are_copies
from ..graphs import Components
from ..neighbors import product_rounding
from ..segments import BlockSizes, Groups, padded_rows, segment_sum, size_batches, true_pairs
from .density_peaks import density_peaks
from .label_propagation import propagation_kernel
from .units import Units


def split_clusters(
    units: Units,
    clusters: Groups,
    min_units: int,
    max_units: int,
    max_pieces: int,
    alpha: float | None,
    loose_below: float | None,
) -> Tensor:
    """Split the touched clusters, or dissolve them; see ``HierarchyRefiner`` for the settings.

    Copies, units of one cluster that are closer than ``SAME``, are assigned as the first of them:
    rounding alone would decide which of two prototypes is nearer. Those beyond the first
    ``max_units``, which are compared with prototypes alone, are assigned each by itself.

    Args:
        units: u units.
        clusters: the units grouped by cluster, those that hold an image of the batch marked.
        min_units: clusters of fewer units are not split.
        max_units: maximum number of units searched for peaks.
        max_pieces: maximum number of pieces of a cluster.
        alpha: alpha of label propagation, or None to assign units to the nearest peak.
        loose_below: mean cosine of its images below which a cluster without a split is dissolved
            into its units if these are at most ``max_units``, or None.

    Returns:
        New labels, shape (u,): a piece is labelled by its first image.
    """
    everyone = torch.arange(len(units.names), device=units.names.device)
    # The piece of each unit within its cluster. Padding, row -1, writes to the last entry.
    column = everyone.new_zeros(len(everyone) + 1)
    copies = Components(everyone.clone())
    # Clusters too small for a split may be dissolved, but for their copies.
    least = min_units if loose_below is None else 2
    for batch in size_batches(clusters, least, max_units, units.table.shape[1]):
        rows = padded_rows(clusters, batch.chosen, batch.width)
        valid = rows >= 0
        points = units.centers(rows.clamp(min=0))
        cosine = points @ points.transpose(1, 2)
        copies.add(*_copies(points, cosine, rows))
        if batch.width < min_units <= max_units:
            continue
        peaks = density_peaks(cosine, valid, max_pieces)
        if least < min_units:
            peaks[:, 1:].masked_fill_(clusters.counts[batch.chosen, None] < min_units, -1)
        score = cosine if alpha is None else propagation_kernel(cosine, valid, alpha)
        column[rows] = _strongest_peak(score, peaks)
        if batch.wider:
            wide = slice(batch.wider)
            prototypes = rows[wide].gather(1, peaks[wide].clamp(min=0))
            prototypes.masked_fill_(peaks[wide] < 0, -1)
            _assign_wide(units, clusters, batch.chosen[wide], prototypes, column)
    alike = copies.join()
    column = column[alike]
    piece = clusters.inverse * max_pieces + column
    first = piece.new_full((len(clusters.ids) * max_pieces,), len(everyone))
    first.scatter_reduce_(0, piece, everyone, 'amin')
    heads = first[piece]
    if loose_below is not None:
        last = torch.zeros_like(clusters.counts)
        last.scatter_reduce_(0, clusters.inverse, column, 'amax')
        loose = _loose(units, clusters, loose_below) & (last == 0) & (clusters.counts <= max_units)
        heads = torch.where(loose[clusters.inverse], alike, heads)
    return units.names[heads]


def _loose(units: Units, clusters: Groups, below: float) -> Tensor:
    """Return which touched clusters have images of a mean cosine ``below``, shape (G,)."""
    sums = segment_sum(units.table, units.rows, clusters)
    sizes = torch.zeros_like(clusters.counts).index_add_(0, clusters.inverse, units.sizes)
    between = sums.square().sum(1) - sizes
    # The margin keeps rounding from dissolving a cluster of copies.
    return (clusters.marked > 0) & (between < (below - SAME) * (sizes * (sizes - 1)))


def _copies(points: Tensor, cosine: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """List the pairs of ``rows`` (g, n), padded with -1, whose points are closer than ``SAME``."""
    squares = cosine.diagonal(dim1=1, dim2=2)
    margin = 4 * product_rounding(points)
    near = squares[:, :, None] + squares[:, None, :] - 2 * cosine <= SAME**2 + margin
    near &= (rows[:, :, None] >= 0) & (rows[:, None, :] >= 0)
    first, second = true_pairs(near)
    # A pair of a point with itself joins nothing, and its number needs no transfer.
    second = torch.where(are_copies(points.flatten(0, 1), first, second), second, first)
    return rows.flatten()[first], rows.flatten()[second]


def _strongest_peak(score: Tensor, peaks: Tensor) -> Tensor:
    """Return the column of each unit's peak of largest score, ties to the first; peaks keep theirs.

    Args:
        score: shape (g, n, n).
        peaks: positions of the peaks, padded with -1, shape (g, m).
    """
    place = peaks.clamp(min=0)[:, None, :]
    arrived = score.gather(2, place.expand(-1, score.shape[1], -1))
    itself = torch.arange(score.shape[1], device=peaks.device)[:, None] == peaks[:, None, :]
    arrived = arrived.masked_fill(itself, torch.inf)
    return arrived.masked_fill(peaks[:, None, :] < 0, -torch.inf).argmax(2)


def _assign_wide(
    units: Units, clusters: Groups, numbers: Tensor, prototypes: Tensor, column: Tensor
) -> None:
    """Assign each unit of a wide cluster to the nearest of the cluster's ``prototypes``.

    Args:
        units: all units.
        clusters: the units grouped by cluster.
        numbers: the wide clusters, shape (w,).
        prototypes: units, padded with -1, shape (w, m).
        column: column of the prototype of each unit, changed in place.
    """
    heads = units.centers(prototypes.clamp(min=0))
    missing = prototypes < 0
    for which, rows in _slabs(clusters, numbers, units.table.shape[1]):
        score = units.centers(rows.clamp(min=0)) @ heads[which].transpose(1, 2)
        column[rows] = score.masked_fill_(missing[which, None], -torch.inf).argmax(2)


def _slabs(
    clusters: Groups, numbers: Tensor, depth: int, height: int = 256
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the rows of the clusters ``numbers`` in slabs of ``height`` rows, several at a time.

    Yields:
        Position in ``numbers`` of each slab, shape (s,), and its rows, padded with -1, shape
        (s, height).
    """
    counts = clusters.counts[numbers]
    slabs = (counts + height - 1) // height
    everyone = torch.arange(len(numbers), device=numbers.device).repeat_interleave(slabs)
    first = slabs.cumsum(0) - slabs
    line = torch.arange(height, device=numbers.device)
    step = max(1, BlockSizes.of(numbers.device).padded // (height * depth))
    for begin, which in zip(range(0, len(everyone), step), everyone.split(step), strict=True):
        number = torch.arange(begin, begin + len(which), device=which.device) - first[which]
        place = number[:, None] * height + line
        beyond = place >= counts[which, None]
        row = clusters.starts[numbers[which], None] + place
        yield which, clusters.order[row.clamp(max=len(clusters.order) - 1)].masked_fill(beyond, -1)
