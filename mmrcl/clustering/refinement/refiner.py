"""Online refinement of a label hierarchy: split, then merge, bottom up (Sect. 4.3, Fig. 4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from ..hierarchy import LabelHierarchy
from ..neighbors import nearest_neighbors
from ..segments import group_rows
from .merging import Similarity, merge_clusters
from .splitting import split_clusters
from .units import Units, image_units


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
    merge: Similarity = 'average'
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
        Looks at the images of the touched top clusters alone, which one scan of the labels finds.
        """
        indices = torch.unique(indices)
        images = _members(hierarchy.labels[-1], indices)
        in_batch = torch.searchsorted(images, indices)
        units = image_units(images, hierarchy.bank)
        changes = []
        for level in range(2, hierarchy.num_levels + 1):
            units, change = self._refine_level(hierarchy, level, units, in_batch)
            changes.append(change)
            hierarchy.labels[level - 2, images] = units.names[units.of_image]
        return changes

    def _refine_level(
        self, hierarchy: LabelHierarchy, level: int, units: Units, in_batch: Tensor
    ) -> tuple[Units, LevelChange]:
        """Splits and merges one level; returns its clusters as units of the next."""
        top = level == hierarchy.num_levels
        labels = hierarchy.level_labels(level)[units.names]
        before = group_rows(labels)
        touched = torch.zeros_like(before.ids, dtype=torch.bool)
        touched[before.inverse[units.of_image[in_batch]]] = True
        touched_units = touched[before.inverse]
        alpha = self.alpha if self.assign == 'propagation' else None
        limits = (self.min_units, self.max_units, self.max_pieces)
        pieces = group_rows(split_clusters(units, labels, touched_units, *limits, alpha))
        clusters = units.joined(pieces)
        roots = merge_clusters(
            clusters,
            torch.zeros_like(pieces.ids) if top else hierarchy.labels[level - 1, pieces.ids],
            touched_units[pieces.order[pieces.starts]],
            self.thresholds[level - 2],
            self.merge,
            0 if top else self.max_units,
            self.max_candidates,
            self.alpha,
        )
        joined = clusters.joined(group_rows(roots))
        splits = len(pieces.ids) - len(before.ids)
        merges = len(pieces.ids) - len(joined.names)
        return joined, LevelChange(level, int(touched.sum()), splits, merges)


def _choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name}='{value}' is unknown: choose one of {', '.join(known)}")


def _fits(name: str, values: Sequence[float], levels: int) -> None:
    if len(values) != levels:
        raise ValueError(
            f'{name}={list(values)} has {len(values)} entries, the hierarchy has {levels} levels '
            f'above the images: give one each'
        )


def _members(labels: Tensor, indices: Tensor) -> Tensor:
    """Images that share a label with one of ``indices``, ascending."""
    wanted = torch.zeros_like(labels, dtype=torch.bool)
    wanted[labels[indices]] = True
    return wanted[labels].nonzero()[:, 0]


def _neighbor_cosines(bank: Tensor, neighbors: Sequence[int], sample: int = 4096) -> list[float]:
    """Median cosine of evenly spaced images to their r-th nearest other image."""
    rows = torch.linspace(0, len(bank) - 1, min(len(bank), sample), device=bank.device).long()
    ranks = [min(r, len(bank) - 1) for r in neighbors]
    queries = bank[rows].to(torch.promote_types(bank.dtype, torch.float32))
    cosine = nearest_neighbors(queries, bank, max(ranks) + 1)[0]
    return [float(cosine[:, rank].median()) for rank in ranks]
