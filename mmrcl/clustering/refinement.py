"""Online refinement of a label hierarchy: split, then merge, bottom up (Sect. 4.3, Fig. 4)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from .components import connect
from .density_peaks import density_peaks
from .hierarchy import LabelHierarchy
from .label_propagation import isolated_pair_score, propagation_kernel, propagation_score
from .neighbors import nearest_neighbors
from .segments import Groups, group_rows, padded_rows, segment_mean, segment_min, size_buckets

_PADDED_ELEMENTS = 1 << 22


class LevelChange(NamedTuple):
    """What a refinement did at one level.

    Attributes:
        level: 2..H.
        touched: clusters that held an image of the batch.
        splits: pieces made beyond one a cluster.
        merges: clusters, pieces included, that were joined to another one.
    """

    level: int
    touched: int
    splits: int
    merges: int


@dataclass
class HierarchyRefiner:
    """Splits and merges the clusters that a batch touches, at levels 2..H.

    A cluster is split along density peaks of its units, the clusters of the level below inside
    it. Then pieces and touched clusters are merged with the clusters of the same parent, in pairs
    of which at least one side was touched, transitively. Unions of units and a border that no
    merge crosses keep the hierarchy nested by construction.

    The level above the top is one virtual root over all images. There, and under any parent of
    more than ``max_units`` clusters, candidates are the touched clusters alone, each with its
    ``max_candidates`` nearest: the centres of a million clusters cost more than a training step,
    and two clusters meet as soon as one batch touches both.

    Args:
        max_pieces: bound m on the pieces of a split.
        min_units: clusters of fewer units are left whole.
        max_units: units looked at for peaks, evenly spaced in a larger cluster, all of whose units
            are then assigned; also the bound named above. Keeps a giant cluster from stalling
            a step.
        assign: a unit goes to its ``'nearest'`` prototype, or to the one from which most of the
            label arrives by ``'propagation'`` (clusters of at most ``max_units``; others nearest).
        merge: how near two clusters are: ``'average'``, the mean cosine of their images, which is
            the product of the centres before these are normalised; the cosine of their
            ``'centers'``; or their ``'propagation'`` score (parents of at most ``max_units``
            clusters; others centres), compared with that of an isolated pair at the threshold.
            Centres percolate: noise averages out of them, so the larger a cluster, the nearer it
            seems to all others.
        merge_threshold: sigma_m, a cosine: one for all levels, one a level, or ``'auto'``: at
            each :meth:`calibrate` the median cosine of an image to its ``neighbors[h]``-th nearest
            one, so that clusters keep about that size while features concentrate.
        neighbors: target sizes of ``'auto'``, one a level from 2 to H.
        max_candidates: see above.
        alpha: share of a label that moves on in propagation.
    """

    max_pieces: int = 8
    min_units: int = 5
    max_units: int = 256
    assign: Literal['nearest', 'propagation'] = 'nearest'
    merge: Literal['average', 'centers', 'propagation'] = 'average'
    merge_threshold: Literal['auto'] | float | Sequence[float] = 'auto'
    neighbors: Sequence[int] = (4, 20)
    max_candidates: int = 16
    alpha: float = 0.99

    def __post_init__(self) -> None:
        _choice('assign', self.assign, ('nearest', 'propagation'))
        _choice('merge', self.merge, ('average', 'centers', 'propagation'))
        if isinstance(self.merge_threshold, str):
            _choice('merge_threshold', self.merge_threshold, ('auto', 'a cosine'))
        for name, least in dict(max_pieces=2, min_units=3, max_units=3, max_candidates=1).items():
            if getattr(self, name) < least:
                raise ValueError(f'{name}={getattr(self, name)} must be at least {least}')
        self.thresholds: list[float] = []

    def calibrate(self, hierarchy: LabelHierarchy) -> None:
        """Sets ``thresholds``, one for each level 2..H; call it once an epoch.

        Raises:
            ValueError: if the hierarchy is not nested or the settings are for other levels.
        """
        hierarchy.check()
        levels = hierarchy.num_levels - 1
        if self.merge_threshold == 'auto':
            _fits('neighbors', self.neighbors, levels)
            self.thresholds = _neighbor_cosines(hierarchy.bank, self.neighbors)
        elif isinstance(self.merge_threshold, (int, float)):
            self.thresholds = [float(self.merge_threshold)] * levels
        else:
            assert not isinstance(self.merge_threshold, str)
            _fits('merge_threshold', self.merge_threshold, levels)
            self.thresholds = [float(value) for value in self.merge_threshold]

    @torch.no_grad()
    def refine(self, hierarchy: LabelHierarchy, indices: Tensor) -> list[LevelChange]:
        """Refines the clusters of the images ``indices``, shape (n,), in place.

        Reads centres from the bank, so update it first. The same input gives the same labels.
        """
        changes = []
        for level in range(2, hierarchy.num_levels + 1):
            labels = hierarchy.level_labels(level)
            touched = torch.unique(labels[indices])
            images = _members(labels, touched)
            splits = self._split(hierarchy, level, images)
            merges = self._merge(hierarchy, level, images)
            changes.append(LevelChange(level, len(touched), splits, merges))
        return changes

    def _split(self, hierarchy: LabelHierarchy, level: int, images: Tensor) -> int:
        """Splits the clusters that consist of ``images``; returns the pieces won."""
        labels = hierarchy.level_labels(level)
        units = group_rows(hierarchy.level_labels(level - 1)[images])
        clusters = group_rows(labels[units.ids])
        splittable = (clusters.counts >= self.min_units).nonzero().flatten()
        if len(splittable) == 0:
            return 0
        centers = _centers(hierarchy.bank, images, units)
        prototypes = clusters.ids.new_full((len(clusters.ids), self.max_pieces), -1)
        arrived = units.ids.new_full((len(units.ids),), -1)
        for chosen, width in _buckets(clusters.counts[splittable], self.max_units, centers):
            numbers = splittable[chosen]
            rows, cosine, valid = _padded_cosine(centers, clusters, numbers, width)
            peaks = density_peaks(cosine, valid, self.max_pieces)
            prototypes[numbers] = rows.gather(1, peaks.clamp(min=0)).masked_fill(peaks < 0, -1)
            if self.assign == 'propagation':
                complete = valid & (clusters.counts[numbers] <= width)[:, None]
                kernel = propagation_kernel(cosine, valid, self.alpha)
                arrived[rows[complete]] = _strongest_label(kernel, peaks)[complete]
        nearest = _nearest_prototype(centers, clusters, prototypes)
        pieces = group_rows(
            clusters.inverse * self.max_pieces + torch.where(arrived < 0, nearest, arrived)
        )
        labels[images] = segment_min(units.ids, pieces)[pieces.inverse][units.inverse]
        return len(pieces.ids) - len(clusters.ids)

    def _merge(self, hierarchy: LabelHierarchy, level: int, images: Tensor) -> int:
        """Merges the clusters that consist of ``images`` with others of the same parent."""
        labels = hierarchy.level_labels(level)
        touched = torch.zeros_like(labels, dtype=torch.bool)
        touched[labels[images]] = True
        if level < hierarchy.num_levels:
            parents = hierarchy.level_labels(level + 1)
            images = _members(parents, torch.unique(parents[images]))
        else:
            parents = torch.zeros_like(labels)
        clusters = group_rows(labels[images])
        centers = segment_mean(hierarchy.bank[images], clusters)
        if self.merge != 'average':
            centers = normalize(centers, dim=1)
        siblings = group_rows(parents[clusters.ids])
        threshold = self.thresholds[level - 2]
        limited = siblings.counts > (self.max_units if level < hierarchy.num_levels else 0)
        roots = torch.arange(len(clusters.ids), device=labels.device)
        touched = touched[clusters.ids]
        candidates = (touched & limited[siblings.inverse]).nonzero().flatten()
        for rows, cols in self._candidate_pairs(centers, siblings, candidates, threshold):
            connect(roots, rows, cols)
        for rows, cols in self._sibling_pairs(centers, siblings, ~limited, touched, threshold):
            connect(roots, rows, cols)
        labels[images] = clusters.ids[roots][clusters.inverse]
        return int((roots != torch.arange(len(roots), device=roots.device)).sum())

    def _sibling_pairs(
        self, centers: Tensor, siblings: Groups, complete: Tensor, touched: Tensor, threshold: float
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Pairs to join among all clusters of a parent, for the parents chosen by ``complete``."""
        families = (complete & (siblings.counts > 1)).nonzero().flatten()
        for chosen, width in _buckets(siblings.counts[families], self.max_units, centers):
            rows, score, valid = _padded_cosine(centers, siblings, families[chosen], width)
            least = score.new_tensor(threshold)
            if self.merge == 'propagation':
                score = propagation_score(propagation_kernel(score, valid, self.alpha))
                least = isolated_pair_score(least, self.alpha)
            pair = valid[:, :, None] & valid[:, None, :]
            pair &= touched[rows][:, :, None] | touched[rows][:, None, :]
            family, left, right = ((score > least) & pair.triu(1)).nonzero(as_tuple=True)
            yield rows[family, left], rows[family, right]

    def _candidate_pairs(
        self, centers: Tensor, siblings: Groups, candidates: Tensor, threshold: float
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Pairs to join among ``candidates``: each with its nearest ones of the same parent."""
        among, family = centers[candidates], siblings.inverse[candidates]
        for part in torch.arange(len(candidates), device=candidates.device).split(
            max(1, _PADDED_ELEMENTS // max(1, len(candidates)))
        ):
            cosine = among[part] @ among.T
            cosine.masked_fill_(family[part, None] != family, -torch.inf)
            cosine[torch.arange(len(part), device=part.device), part] = -torch.inf
            value, place = cosine.topk(min(self.max_candidates, len(candidates)))
            row, rank = (value > threshold).nonzero(as_tuple=True)
            yield candidates[part[row]], candidates[place[row, rank]]


def _choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name}='{value}' is unknown: choose one of {', '.join(known)}")


def _fits(name: str, values: Sequence[float], levels: int) -> None:
    if len(values) != levels:
        raise ValueError(
            f'{name}={list(values)} has {len(values)} entries, the hierarchy has {levels} levels '
            f'above the images: give one each'
        )


def _buckets(counts: Tensor, widest: int, centers: Tensor) -> Iterator[tuple[Tensor, int]]:
    return size_buckets(counts, widest, depth=centers.shape[1], budget=_PADDED_ELEMENTS)


def _members(labels: Tensor, clusters: Tensor) -> Tensor:
    """Images whose label is among ``clusters``, ascending."""
    wanted = torch.zeros_like(labels, dtype=torch.bool)
    wanted[clusters] = True
    return wanted[labels].nonzero().flatten()


def _centers(bank: Tensor, images: Tensor, groups: Groups) -> Tensor:
    return normalize(segment_mean(bank[images], groups), dim=1)


def _padded_cosine(
    centers: Tensor, groups: Groups, numbers: Tensor, width: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Row numbers of the groups ``numbers``, their cosines, and which places are filled."""
    rows = padded_rows(groups, numbers, width)
    units = centers[rows.clamp(min=0)]
    return rows, units @ units.transpose(1, 2), rows >= 0


def _nearest_prototype(centers: Tensor, clusters: Groups, prototypes: Tensor) -> Tensor:
    """Column of the nearest of its cluster's ``prototypes`` for each row, ties to the first."""
    best = centers.new_full((len(centers),), -torch.inf)
    piece = torch.zeros_like(clusters.inverse)
    for column, rows in enumerate(prototypes.T):
        row = rows[clusters.inverse]
        cosine = (centers * centers[row.clamp(min=0)]).sum(1).masked_fill_(row < 0, -torch.inf)
        piece = torch.where(cosine > best, column, piece)
        best = best.maximum(cosine)
    return piece


def _strongest_label(kernel: Tensor, peaks: Tensor) -> Tensor:
    """Column of the peak whose label arrives most at each unit; a peak keeps its own."""
    column = peaks.clamp(min=0)[:, None, :].expand(-1, kernel.shape[1], -1)
    arrived = kernel.gather(2, column)
    place = torch.arange(kernel.shape[1], device=peaks.device)[:, None]
    arrived = arrived.masked_fill(place == peaks[:, None, :], torch.inf)
    return arrived.masked_fill(peaks[:, None, :] < 0, -torch.inf).argmax(2)


def _neighbor_cosines(bank: Tensor, neighbors: Sequence[int], sample: int = 4096) -> list[float]:
    """Median cosine of evenly spaced images to their r-th nearest other image."""
    rows = torch.linspace(0, len(bank) - 1, min(len(bank), sample), device=bank.device).long()
    ranks = [min(r, len(bank) - 1) for r in neighbors]
    cosine = nearest_neighbors(bank[rows], bank, max(ranks) + 1)[0]
    return [float(cosine[:, rank].median()) for rank in ranks]
