"""First-neighbour clustering (FINCH; Sarfraz et al., CVPR 2019), to any numbers of clusters."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.arguments import check_features

from .copies import distinct_neighbors
from .graphs import connect
from .segments import group_rows, segment_mean
from .sharing import Progress, Ranks, silent


class _Step(NamedTuple):
    """A step from the clusters of one level to those of the next.

    Attributes:
        origin: cluster of each image before the step, in 0..n - 1; copies are joined. Shape (N,).
        clusters: n.
        links: the two clusters of each link, the closest ones first, shape (2, m).
    """

    origin: Tensor
    clusters: int
    links: Tensor

    def join(self, num_clusters: int = 1) -> Tensor:
        """Join clusters by the closest links, down to ``num_clusters`` if these suffice, (N,)."""
        rows, cols = self.links[:, : max(self.clusters - num_clusters, 0)]
        roots = torch.arange(self.clusters, device=self.origin.device)
        return connect(roots, rows, cols)[self.origin]


def first_neighbor_levels(
    features: Tensor,
    num_clusters: Sequence[int] | None = None,
    ranks: Ranks | None = None,
    progress: Progress = silent,
) -> Tensor:
    """Join each point to its nearest neighbour, then the means of the clusters, and so on.

    The clusters of a level are the connected components of the links from each cluster of the level
    below to the one whose normalised mean has the largest cosine (ties to the smaller index). Each
    step at least halves the number of clusters, so the levels nest and end in one cluster.

    A number of clusters between two levels is met by the closest links of the step alone. These
    levels nest too. It replaces the paper's merging of one pair after another (Algorithm 2), which
    would search for the closest pair anew after each merge.

    Copies of an image, whose features are equal or closer than 0.001, are one point, which counts
    in a mean as many times as it occurs. So they share a cluster, and there are no more clusters
    than points.

    Args:
        features: L2-normalised, shape (N, d); half precision is computed in float32.
        num_clusters: clusters of each level, descending; by default the algorithm's own levels.
        ranks: the ranks that share the products; all must call, with the same features.
        progress: progress callback over the blocks of products.

    Returns:
        Labels, from fine to coarse, shape (L, N). The last of the algorithm's own levels is one
        cluster.

    Raises:
        ValueError: if ``num_clusters`` are not positive and descending, if there are no features,
            or a feature is NaN or Inf.
    """
    features = check_features(features)
    features = features.to(torch.promote_types(features.dtype, torch.float32))
    steps = _steps(features, ranks or Ranks(), progress)
    whole = torch.zeros(len(features), dtype=torch.long, device=features.device)
    if num_clusters is None:
        return torch.stack([step.join() for step in steps] or [whole])
    waiting = list(num_clusters)
    if not waiting or waiting != sorted(waiting, reverse=True) or waiting[-1] < 1:
        raise ValueError(f'num_clusters={waiting} must be above 0 and descend, finest level first')
    levels: list[Tensor] = []
    for step in steps:
        least = len(step.join().unique())
        reached = [number for number in waiting if number >= least]
        levels += [step.join(number) for number in reached]
        waiting = waiting[len(reached) :]
        if not waiting:
            break
    return torch.stack(levels + [whole] * len(waiting))


def _steps(features: Tensor, ranks: Ranks, progress: Progress) -> Iterator[_Step]:
    """Yield the steps from the images to one cluster."""
    labels = torch.arange(len(features), device=features.device)
    centers = features
    while len(centers) > 1:
        step = _first_step(labels, centers, ranks, progress)
        yield step
        groups = group_rows(step.join())
        labels = groups.inverse
        centers = normalize(segment_mean(features, groups), dim=1)


def _first_step(labels: Tensor, centers: Tensor, ranks: Ranks, progress: Progress) -> _Step:
    """Link each of the ``centers`` (n, d) of the clusters ``labels`` (N,) to its nearest one."""
    points, cosine, nearest = distinct_neighbors(centers, 1, False, ranks, progress)
    rows = torch.arange(len(points.image), device=centers.device)
    # A point without others has no neighbour, and takes part in no link.
    other = nearest[:, 0] if nearest.numel() else rows
    # Two points that are nearest to each other have one link.
    once = (rows < other) | (other[other] != rows)
    links = torch.stack([rows[once], other[once]])
    if links.numel():
        links = links[:, cosine[once, 0].argsort(descending=True, stable=True)]
    return _Step(points.of_image[labels], len(rows), links)
