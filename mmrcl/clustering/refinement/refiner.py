"""Online refinement of a label hierarchy: split, then merge, bottom up (Sect. 4.3, Fig. 4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from mmrcl.arguments import check_finite

from ..copies import SAME
from ..hierarchy import LabelHierarchy
from ..neighbors import nearest_neighbors
from ..segments import group_rows
from .merging import Similarity, merge_clusters
from .splitting import split_clusters
from .units import Units, image_units


class LevelChange(NamedTuple):
    """Counts of a refinement at one level.

    Attributes:
        level: 2..H.
        touched: clusters that contained an image of the batch.
        splits: number of new clusters, pieces minus split clusters.
        merges: clusters, pieces included, that were joined to another one.
    """

    level: int
    touched: int
    splits: int
    merges: int


@dataclass
class HierarchyRefiner:
    """Online refinement: split and merge the clusters touched by a batch, at levels 2..H.

    A cluster is touched if it contains an image of the batch. It is split along density peaks of
    its units, which are its clusters of the level below. Then pieces and touched clusters are
    merged with clusters of the same parent; at least one cluster of each merged pair is touched.
    Clusters stay unions of units, and no merge crosses a parent, so the hierarchy stays nested by
    construction. Copies of an image that share a cluster are not split; beyond ``max_units`` this
    is sure of equal features only.

    The parent of the top level is one virtual root over all images. There, and under any parent of
    more than ``max_units`` clusters, only touched clusters are merge candidates, each with its
    ``max_candidates`` nearest: computing the centres of a million clusters would cost more than a
    training step, and two clusters are compared as soon as one batch touches both.

    Args:
        max_pieces: m, maximum number of pieces of a split.
        min_units: clusters of fewer units are not split.
        max_units: units searched for peaks; a larger cluster is represented by evenly spaced
            units, and all its units are then assigned. Also the bound named above. It limits the
            time that a giant cluster takes in a step.
        assign: a unit is assigned to its ``'nearest'`` prototype, or to the prototype of largest
            label ``'propagation'`` (clusters of at most ``max_units``; larger ones use nearest).
        merge: similarity of two clusters: ``'average'``, the mean cosine of their images, which is
            the product of the centres before normalisation; the cosine of their ``'centers'``; or
            their ``'propagation'`` score (parents of at most ``max_units`` clusters; larger ones
            use centres), compared with the score of an isolated pair at the threshold. Centres
            percolate: noise averages out, so larger clusters seem more similar to all others.
        merge_threshold: sigma_m, a cosine: one for all levels, one per level, or ``'auto'``: at
            each :meth:`calibrate` the median cosine of an image to its ``neighbors[h]``-th nearest
            one, so that clusters keep about that size while features concentrate.
        neighbors: ranks of the neighbours of ``'auto'``, one per level from 2 to H; the larger, the
            larger the clusters.
        join: which similar clusters are merged. ``'transitive'``: all above sigma_m, with all that
            those are merged with, as in the paper. Chains of pairs then join what is dissimilar.
            ``'mutual'``: the two clusters of which each is the most similar one of the other, so in
            pairs, and more at the next step; an untouched cluster is compared with touched ones
            alone. A touched cluster that has no
            split, such as one of few units, but whose images have a mean cosine below sigma_m is
            dissolved into its units first, if these are at most ``max_units``.
        max_candidates: see above; of ``join='transitive'``.
        alpha: share of a label that is passed on in propagation.
    """

    max_pieces: int = 8
    min_units: int = 5
    max_units: int = 256
    assign: Literal['nearest', 'propagation'] = 'nearest'
    merge: Similarity = 'average'
    merge_threshold: Literal['auto'] | float | Sequence[float] = 'auto'
    neighbors: Sequence[int] = (4, 20)
    join: Literal['transitive', 'mutual'] = 'transitive'
    max_candidates: int = 16
    alpha: float = 0.99

    def __post_init__(self) -> None:
        _choice('assign', self.assign, ('nearest', 'propagation'))
        _choice('merge', self.merge, ('average', 'centers', 'propagation'))
        _choice('join', self.join, ('transitive', 'mutual'))
        if isinstance(self.merge_threshold, str):
            _choice('merge_threshold', self.merge_threshold, ('auto', 'a cosine'))
        for name, least in dict(max_pieces=2, min_units=3, max_units=3, max_candidates=1).items():
            if getattr(self, name) < least:
                raise ValueError(f'{name}={getattr(self, name)} must be at least {least}')
        self.thresholds: list[float] = []

    def calibrate(self, hierarchy: LabelHierarchy) -> None:
        """Set ``thresholds``, one for each level 2..H; call it once per epoch.

        Images without a feature in the bank, which nothing can compare, become clusters of their
        own. They stay so until a batch contains them.

        Raises:
            ValueError: if the hierarchy is not nested, its bank is empty or has NaN or Inf, or a
                setting does not have one entry per level.
        """
        hierarchy.check()
        check_finite(hierarchy.bank, 'the bank of the hierarchy')
        seen = hierarchy.seen
        if not bool(seen.any()):
            raise ValueError(
                'the bank of the hierarchy is empty: call update_bank or set_bank first'
            )
        if not bool(seen.all()):
            hierarchy.isolate(~seen)
        levels = hierarchy.num_levels - 1
        if self.merge_threshold == 'auto':
            _fits('neighbors', self.neighbors, levels)
            self.thresholds = _neighbor_cosines(hierarchy.bank, seen, self.neighbors)
        elif isinstance(self.merge_threshold, (int, float)):
            self.thresholds = [float(self.merge_threshold)] * levels
        else:
            assert not isinstance(self.merge_threshold, str)
            _fits('merge_threshold', self.merge_threshold, levels)
            self.thresholds = [float(value) for value in self.merge_threshold]

    @torch.no_grad()
    def refine(self, hierarchy: LabelHierarchy, indices: Tensor) -> list[LevelChange]:
        """Refine the clusters of the images ``indices``, shape (n,), in place.

        Centres are computed from the bank, so update it first. The result is deterministic. Only
        the images of the touched top-level clusters are read, found in one scan of the labels.
        """
        images = _members(hierarchy.labels[-1], indices)
        in_batch = torch.searchsorted(images, indices)
        units = image_units(images, hierarchy.bank)
        changes, joined = [], []
        for level in range(2, hierarchy.num_levels + 1):
            clusters, roots, counts = self._refine_level(hierarchy, level, units, in_batch)
            changes.append((level, *counts))
            joined.append((roots != torch.arange(len(roots), device=roots.device)).sum())
            hierarchy.labels[level - 2, images] = clusters.names[roots[clusters.of_image]]
            if level < hierarchy.num_levels:
                units = clusters.joined(group_rows(roots))
        merges = torch.stack(joined).tolist()
        return [LevelChange(*change, n) for change, n in zip(changes, merges, strict=True)]

    def _refine_level(
        self, hierarchy: LabelHierarchy, level: int, units: Units, in_batch: Tensor
    ) -> tuple[Units, Tensor, tuple[int, int]]:
        """Split and merge one level.

        Returns:
            The pieces, the first piece that each is merged with, and the numbers of touched
            clusters and of splits.
        """
        top = level == hierarchy.num_levels
        labels = hierarchy.level_labels(level)[units.names]
        touched = torch.zeros_like(units.names, dtype=torch.bool)
        before = group_rows(labels, touched.index_fill_(0, units.of_image[in_batch], True))
        alpha = self.alpha if self.assign == 'propagation' else None
        mutual, threshold = self.join == 'mutual', self.thresholds[level - 2]
        limits = (self.min_units, self.max_units, self.max_pieces)
        labels = split_clusters(units, before, *limits, alpha, threshold if mutual else None)
        pieces = group_rows(labels, (before.marked > 0)[before.inverse])
        clusters = units.joined(pieces)
        roots = merge_clusters(
            clusters,
            None if top else hierarchy.labels[level - 1, pieces.ids],
            pieces,
            threshold,
            self.merge,
            mutual,
            self.max_units,
            self.max_candidates,
            self.alpha,
        )
        counts = (int((before.host[1] > 0).sum()), len(pieces.ids) - len(before.ids))
        return clusters, roots, counts


def _choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name}='{value}' is unknown: choose one of {', '.join(known)}")


def _fits(name: str, values: Sequence[float], levels: int) -> None:
    if len(values) != levels:
        raise ValueError(
            f'{name}={list(values)} has {len(values)} entries, the hierarchy has {levels} levels '
            f'above the images: set one per level'
        )


def _members(labels: Tensor, indices: Tensor) -> Tensor:
    """Return the images that share a label with one of ``indices``, ascending."""
    wanted = torch.zeros_like(labels, dtype=torch.bool)
    wanted.index_fill_(0, labels[indices], True)
    return wanted[labels].nonzero()[:, 0]


def _neighbor_cosines(
    bank: Tensor, seen: Tensor, neighbors: Sequence[int], sample: int = 4096
) -> list[float]:
    """Compute the median cosine of evenly spaced images to their r-th nearest other image.

    Images that are not ``seen`` (N,) have zeros in the bank: no queries, and never near ones.
    """
    images = seen.nonzero()[:, 0]
    count = min(len(images), sample)
    rows = images[torch.linspace(0, len(images) - 1, count, device=bank.device).long()]
    ranks = [min(r, len(images) - 1) for r in neighbors]
    queries = bank[rows].to(torch.promote_types(bank.dtype, torch.float32))
    cosine = nearest_neighbors(queries, bank, max(ranks) + 1)[0]
    # Rounding would decide which copies have a larger cosine.
    return [min(float(cosine[:, rank].median()), 1 - SAME**2 / 2) for rank in ranks]
