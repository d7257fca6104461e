"""Splitting of clusters along density peaks of their units (Sect. 4.3, Fig. 4)."""

from collections.abc import Iterator

import torch
from torch import Tensor

from ..copies import SAME, are_copies
from ..graphs import connect
from ..neighbors import product_rounding
from ..segments import Groups, group_rows, padded_rows, size_buckets, true_places
from .density_peaks import density_peaks
from .label_propagation import propagation_kernel
from .units import Units

# Elements in one batch of padded features.
PADDED_ELEMENTS = 1 << 22


def split_clusters(
    units: Units,
    labels: Tensor,
    touched: Tensor,
    min_units: int,
    max_units: int,
    max_pieces: int,
    alpha: float | None,
) -> Tensor:
    """Split the touched clusters; see ``HierarchyRefiner`` for the settings.

    Copies, units of one cluster that are closer than ``SAME``, are assigned as the first of them:
    rounding alone would decide which of two prototypes is nearer. Those beyond the first
    ``max_units``, which are compared with prototypes alone, are assigned each by itself.

    Args:
        units: u units.
        labels: label of the cluster of each unit, shape (u,).
        touched: whether each unit is in a touched cluster, shape (u,).
        min_units: clusters of fewer units are not split.
        max_units: maximum number of units searched for peaks.
        max_pieces: maximum number of pieces of a cluster.
        alpha: alpha of label propagation, or None to assign units to the nearest peak.

    Returns:
        New labels, shape (u,): a piece is labelled by its first image.
    """
    inside = touched.nonzero()[:, 0]
    clusters = group_rows(labels[inside])
    splittable = (clusters.counts >= min_units).nonzero()[:, 0]
    column = torch.zeros_like(clusters.inverse)
    first_copy = torch.arange(len(inside), device=inside.device)
    depth = units.table.shape[1]
    for chosen, width in size_buckets(
        clusters.counts[splittable], max_units, depth, PADDED_ELEMENTS
    ):
        numbers = splittable[chosen]
        rows = padded_rows(clusters, numbers, width)
        valid = rows >= 0
        points = units.centers(inside[rows.clamp(min=0)])
        cosine = points @ points.transpose(1, 2)
        connect(first_copy, *_copies(points, cosine, rows))
        peaks = density_peaks(cosine, valid, max_pieces)
        complete = clusters.counts[numbers] <= width
        score = cosine if alpha is None else propagation_kernel(cosine, valid, alpha)
        settled = valid & complete[:, None]
        column[rows[settled]] = _strongest_peak(score, peaks)[settled]
        prototypes = rows.gather(1, peaks.clamp(min=0)).masked_fill(peaks < 0, -1)
        _assign_wide(units, inside, clusters, numbers[~complete], prototypes[~complete], column)
    pieces = group_rows(clusters.inverse * max_pieces + column[first_copy])
    first = pieces.order[pieces.starts]
    return labels.index_copy(0, inside, units.names[inside[first]][pieces.inverse])


def _copies(points: Tensor, cosine: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """List the pairs of ``rows`` (g, n), padded with -1, whose points are closer than ``SAME``."""
    squares = cosine.diagonal(dim1=1, dim2=2)
    margin = 4 * product_rounding(points)
    near = squares[:, :, None] + squares[:, None, :] - 2 * cosine <= SAME**2 + margin
    near &= (rows[:, :, None] >= 0) & (rows[:, None, :] >= 0)
    first, col = true_places(near.triu_(1).flatten(0, 1))
    second = first - first % rows.shape[1] + col
    same = are_copies(points.flatten(0, 1), first, second)
    return rows.flatten()[first[same]], rows.flatten()[second[same]]


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
    units: Units,
    inside: Tensor,
    clusters: Groups,
    numbers: Tensor,
    prototypes: Tensor,
    column: Tensor,
) -> None:
    """Assign each unit of a wide cluster to the nearest of the cluster's ``prototypes``.

    Args:
        units: all units.
        inside: the units that ``clusters`` groups.
        clusters: groups.
        numbers: the wide clusters, shape (w,).
        prototypes: rows of ``clusters``, padded with -1, shape (w, m).
        column: column of the prototype of each row of ``clusters``, changed in place.
    """
    missing = prototypes < 0
    for which, rows in _slabs(clusters, numbers, units.table.shape[1]):
        points = units.centers(inside[rows.clamp(min=0)])
        heads = units.centers(inside[prototypes[which].clamp(min=0)])
        score = points @ heads.transpose(1, 2)
        score.masked_fill_(missing[which, None], -torch.inf)
        column[rows[rows >= 0]] = score.argmax(2)[rows >= 0]


def _slabs(
    clusters: Groups, numbers: Tensor, depth: int, height: int = 256
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the rows of the clusters ``numbers`` in slabs of ``height`` rows, several at a time.

    Yields:
        Position in ``numbers`` of each slab, shape (s,), and its rows, padded with -1, shape
        (s, height).
    """
    slabs = (clusters.counts[numbers] + height - 1) // height
    which = torch.arange(len(numbers), device=numbers.device).repeat_interleave(slabs)
    start = torch.arange(len(which), device=numbers.device) - (slabs.cumsum(0) - slabs)[which]
    line = torch.arange(height, device=numbers.device)
    for part in torch.arange(len(which), device=numbers.device).split(
        max(1, PADDED_ELEMENTS // (height * depth))
    ):
        cluster = numbers[which[part], None]
        place = start[part, None] * height + line
        beyond = place >= clusters.counts[cluster]
        row = clusters.order[(clusters.starts[cluster] + place).clamp(max=len(clusters.order) - 1)]
        yield which[part], row.masked_fill(beyond, -1)
