"""Copies: images of equal features, or of features too near for their cosine to tell them apart.

The k nearest neighbours of a point with more than k copies would be any of these. So copies are
one point, which counts as many images as it stands for.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from .hierarchy import canonical_labels
from .neighbors import nearest_neighbors, product_rounding
from .sharing import Progress, Ranks, silent

SAME = 1e-3  # distance of unit vectors whose cosine, 1 - 5e-7, float32 products cannot resolve
_ROWS = 1 << 16  # rows compared at a time
_QUERIES = 1 << 11  # queries of a block that one rank takes


class Points(NamedTuple):
    """The points that stand for the images.

    Attributes:
        image: an image of each point, ascending, shape (n,).
        of_image: point of each image, shape (N,).
        weights: number of images of each point, shape (n,).
    """

    image: Tensor
    of_image: Tensor
    weights: Tensor

    @classmethod
    def standing_in(cls, image: Tensor) -> 'Points':
        """Build the points from the ``image`` that stands for each image, shape (N,)."""
        return cls(*torch.unique(image, return_inverse=True, return_counts=True))

    def rows(self, features: Tensor) -> Tensor:
        """Select the features of the points, without a copy if every image is a point."""
        return features if len(self.image) == len(features) else features[self.image]


def equal_rows(features: Tensor) -> Tensor:
    """Find for each row of ``features`` (N, d) the first row that equals it, shape (N,)."""
    first = torch.arange(len(features), device=features.device)
    _, number, counts = torch.unique(_keys(features), return_inverse=True, return_counts=True)
    shared = first[counts[number] > 1]
    if len(shared):
        alike = torch.unique(features[shared], dim=0, return_inverse=True)[1]
        first[shared] = shared[canonical_labels(alike)]
    return first


def distinct_neighbors(
    features: Tensor,
    k: int,
    itself: bool = True,
    ranks: Ranks | None = None,
    progress: Progress = silent,
) -> tuple[Points, Tensor, Tensor]:
    """Merge copies to points, and find the k nearest points of each point.

    Equal rows are one point. Then rows closer than ``SAME`` to a neighbour merge until no two
    points are as close: in each round the neighbours of points of locally smallest random number,
    as in Luby's independent sets, so that chains of near rows do not merge as a whole. Only points
    that lost a neighbour are compared with all others again.

    Args:
        features: L2-normalised, shape (N, d).
        k: neighbours of a point; all points if there are fewer.
        itself: whether a point is its own first neighbour.
        ranks: the ranks that share the products; all must call, with the same features.
        progress: progress callback over the blocks of products.

    Returns:
        The points, n of them, then the products with the nearest ones of each and these, both of
        shape (n, min(k, n)), or (n, min(k, n - 1)) without itself.
    """
    search = _Search(features, k, itself, ranks or Ranks(), progress)
    image = equal_rows(features)
    alive = torch.unique(image)
    cosine, nearest = search(alive, alive)
    while True:
        target = _merge_targets(features[alive], cosine, nearest)
        kept = target == torch.arange(len(alive), device=alive.device)
        if bool(kept.all()):
            return Points.standing_in(image), cosine, nearest
        image = alive[target[torch.searchsorted(alive, image)]]
        stale = ~kept[nearest[kept]].all(1)
        alive, number = alive[kept], kept.cumsum(0) - 1
        width = search.width(alive)
        cosine, nearest = cosine[kept, :width], number[nearest[kept, :width]]
        cosine[stale], nearest[stale] = search(alive[stale], alive)


class _Search(NamedTuple):
    """The search of :func:`distinct_neighbors`, by its arguments."""

    features: Tensor
    k: int
    itself: bool
    ranks: Ranks
    progress: Progress

    def width(self, alive: Tensor) -> int:
        return min(self.k, len(alive) - (not self.itself))

    def __call__(self, queries: Tensor, alive: Tensor) -> tuple[Tensor, Tensor]:
        """Find the nearest of the ``alive`` rows of the features for each of the ``queries``."""
        shape = len(queries), self.width(alive)
        cosine = self.features.new_zeros(shape)
        nearest = queries.new_zeros(shape)
        if not cosine.numel():
            return cosine, nearest
        rows = self.features if len(alive) == len(self.features) else self.features[alive]
        starts = self.ranks.share(range(0, len(queries), _QUERIES))
        for start in self.progress(starts, 'Finding neighbours'):
            part = slice(start, start + _QUERIES)
            excluded = None if self.itself else torch.searchsorted(alive, queries[part])
            cosine[part], nearest[part] = nearest_neighbors(
                self.features[queries[part]], rows, shape[1], excluded=excluded
            )
        self.ranks.sum_(cosine)
        self.ranks.sum_(nearest)
        return cosine, nearest


def _merge_targets(features: Tensor, cosine: Tensor, nearest: Tensor) -> Tensor:
    """Find the point that each point merges into, or itself, shape (n,)."""
    rows, cols = _near_pairs(features, cosine, nearest)
    ends, others = torch.cat([rows, cols]), torch.cat([cols, rows])
    # The same numbers on every device and rank.
    number = torch.randperm(len(nearest), generator=torch.Generator().manual_seed(0))
    number = number.to(nearest.device)
    lowest = number.scatter_reduce(0, ends, number[others], 'amin')
    stays = lowest == number
    merging = stays[others]
    target = torch.arange(len(nearest), device=nearest.device)
    into = torch.full_like(target, len(nearest))
    into.scatter_reduce_(0, ends[merging], others[merging], 'amin')
    return torch.where(into < len(nearest), into, target)


def _near_pairs(features: Tensor, cosine: Tensor, nearest: Tensor) -> tuple[Tensor, Tensor]:
    """List the neighbours at a distance of at most ``SAME``."""
    least = 1 - SAME**2 / 2 - 2 * product_rounding(features)
    rows, places = (cosine >= least).nonzero(as_tuple=True)
    cols = nearest[rows, places]
    rows, cols = rows[rows != cols], cols[rows != cols]
    chosen = are_copies(features, rows, cols)
    return rows[chosen], cols[chosen]


def are_copies(features: Tensor, rows: Tensor, cols: Tensor) -> Tensor:
    """Decide in float64 which pairs of rows of ``features`` are at most ``SAME`` apart, (P,)."""
    near = [rows.new_empty(0, dtype=torch.bool)]
    for left, right in zip(rows.split(_ROWS), cols.split(_ROWS), strict=True):
        difference = features[left].double() - features[right]
        near.append(difference.square_().sum(1) <= SAME**2)
    return torch.cat(near)


def _keys(features: Tensor) -> Tensor:
    """Compute an integer of each row that is the same for equal rows, shape (N,)."""
    kind = {2: torch.int16, 4: torch.int32, 8: torch.int64}[features.element_size()]
    generator = torch.Generator().manual_seed(0)
    factors = torch.randint(1 << 62, (features.shape[1],), generator=generator)
    factors = factors.to(features.device)
    # Adding 0 turns -0 into 0, which equals it.
    keys = [((part + 0.0).view(kind) * factors).sum(1) for part in features.split(_ROWS)]
    return torch.cat(keys)
