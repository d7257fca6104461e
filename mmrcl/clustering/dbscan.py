"""DBSCAN at several radii at once, with labels that nest (Sect. 4.3, Table 4)."""

import math
import warnings
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from .components import connect
from .hierarchy import canonical_labels
from .neighbors import EdgeCache, Edges, EuclideanGraph, JaccardGraph, nearest_neighbors
from .quality import summarize_partition

Metric = Literal['euclidean', 'jaccard']


class PercolationWarning(UserWarning):
    """One cluster swallows a large part of the images: the radius is too large."""


class NestedPartition(NamedTuple):
    """Result of :func:`nested_dbscan`.

    Attributes:
        labels: canonical labels, noise as clusters of one, shape (L, N).
        core: whether each point is a core point, shape (L, N).
    """

    labels: Tensor
    core: Tensor


def nested_dbscan(
    features: Tensor,
    eps: Sequence[float],
    min_samples: int = 4,
    metric: Metric = 'euclidean',
    num_neighbors: int = 20,
    max_share: float = 1.0,
    block_size: int = 2048,
    max_edges: int = 1 << 24,
) -> NestedPartition:
    """Clusters by DBSCAN at all radii in one pass over the similarities.

    For a fixed ``min_samples``, core points and their components only grow with the radius.
    Border points follow a rule that makes the levels nest for every sample: a border point joins
    its nearest core point (ties to the smaller index) at the finest level at which it has one,
    and from there follows that point. Noise is a cluster of its own.

    Args:
        features: shape (N, d); L2-normalised for the Jaccard metric.
        eps: radii, ascending.
        min_samples: points within the radius, itself included, that make a core point.
        metric: ``'euclidean'``, or ``'jaccard'`` over mutual nearest neighbours, which resists
            percolation on features of an early network.
        num_neighbors: neighbours of the Jaccard metric.
        max_share: warn if the largest cluster holds more than this share of the points.
        block_size: points a block of the similarity matrix.
        max_edges: edges to keep in memory (20 bytes each); with more, the blocks are computed
            a second time.

    Raises:
        ValueError: for radii that do not ascend or an unknown metric.
    """
    _check_radii(eps)
    graph = EdgeCache(_build_graph(features, eps[-1], metric, num_neighbors, block_size), max_edges)
    core = _neighbor_counts(graph, features, eps) >= min_samples
    roots, anchors = _components_and_borders(graph, core, eps)
    labels = torch.stack(_label_levels(core, roots, anchors))
    for level, radius in zip(labels, eps, strict=True):
        warn_of_percolation(
            level,
            max_share,
            f'eps={radius:.4g}',
            'a smaller eps, eps="auto" or metric="jaccard"',
        )
    return NestedPartition(labels, core)


def _check_radii(eps: Sequence[float]) -> None:
    if not eps or any(low > high for low, high in zip(eps, eps[1:], strict=False)):
        raise ValueError(f'eps={list(eps)} must be radii in ascending order, finest level first')
    if eps[0] <= 0:
        raise ValueError(f'eps={list(eps)} must be above 0')


def _build_graph(
    features: Tensor, radius: float, metric: str, num_neighbors: int, block_size: int
) -> Iterable[Edges]:
    if metric == 'euclidean':
        return EuclideanGraph(features, radius, block_size)
    if metric == 'jaccard':
        return JaccardGraph(features, radius, num_neighbors, block_size)
    raise ValueError(f"metric='{metric}' is unknown: choose 'euclidean' or 'jaccard'")


def _neighbor_counts(graph: Iterable[Edges], features: Tensor, eps: Sequence[float]) -> Tensor:
    num = len(features)
    counts = torch.ones(len(eps), num, dtype=torch.long, device=features.device)
    for edges in graph:
        for level, radius in enumerate(eps):
            within = edges.distances <= radius
            counts[level] += torch.bincount(edges.rows[within], minlength=num)
            counts[level] += torch.bincount(edges.cols[within], minlength=num)
    return counts


def _components_and_borders(
    graph: Iterable[Edges], core: Tensor, eps: Sequence[float]
) -> tuple[Tensor, Tensor]:
    """Components of the core points, and the nearest core point of each other point.

    Returns:
        Smallest core point of each core point's component, and nearest core point within the
        radius or -1, both of shape (L, N).
    """
    levels, num = core.shape
    roots = torch.arange(num, device=core.device).repeat(levels, 1)
    anchors = roots.new_full((levels, num), -1)
    reach = torch.full((levels, num), math.inf, dtype=torch.float64, device=core.device)
    for edges in graph:
        for level, radius in enumerate(eps):
            within = edges.distances <= radius
            near = Edges(*(part[within] for part in edges))
            first, second = core[level, near.rows], core[level, near.cols]
            both = first & second
            connect(roots[level], near.rows[both], near.cols[both])
            ends = torch.cat([near.rows[second & ~first], near.cols[first & ~second]])
            cores = torch.cat([near.cols[second & ~first], near.rows[first & ~second]])
            one = torch.cat([near.distances[second & ~first], near.distances[first & ~second]])
            _attach(anchors[level], reach[level], ends, cores, one.double())
    return roots, anchors


def _attach(anchors: Tensor, reach: Tensor, ends: Tensor, cores: Tensor, near: Tensor) -> None:
    """Keeps, in place, the nearest core point of each of ``ends``; ties to the smaller index."""
    before = reach[ends]
    reach.scatter_reduce_(0, ends, near, 'amin')
    closer = near == reach[ends]
    nearer_than_before = closer & (near < before)
    anchors[ends[nearer_than_before]] = len(anchors)
    anchors.scatter_reduce_(0, ends[closer], cores[closer], 'amin')


def _label_levels(core: Tensor, roots: Tensor, anchors: Tensor) -> list[Tensor]:
    alone = torch.arange(core.shape[1], device=core.device)
    anchor = torch.full_like(alone, -1)
    labels = []
    for is_core, root, nearest in zip(core, roots, anchors, strict=True):
        anchor = torch.where(is_core, alone, torch.where(anchor >= 0, anchor, nearest))
        labels.append(canonical_labels(torch.where(anchor >= 0, root[anchor], alone)))
    return labels


def warn_of_percolation(labels: Tensor, max_share: float, where: str, remedy: str) -> None:
    """Warns by :class:`PercolationWarning` if the largest cluster is above ``max_share``."""
    share = summarize_partition(labels).largest / len(labels)
    if share > max_share:
        warnings.warn(
            f'percolation: at {where} the largest cluster holds {share:.1%} of the images, more '
            f'than max_share={max_share:.1%}; try {remedy}',
            PercolationWarning,
            stacklevel=2,
        )


def choose_radii(
    features: Tensor,
    mean_sizes: Sequence[float],
    max_share: float,
    min_samples: int = 4,
    metric: Metric = 'euclidean',
    num_neighbors: int = 20,
    block_size: int = 2048,
) -> list[float]:
    """Finds ``eps='auto'``: the largest radii with clusters no larger than asked for.

    Mean cluster size and largest cluster only grow with the radius, so a grid of radii over the
    distances to the ``min_samples``-th neighbour, clustered in one pass, brackets each target,
    and a second grid narrows it down.

    Args:
        features: shape (N, d), L2-normalised.
        mean_sizes: wanted images a cluster, singletons counted, ascending, one a level.
        max_share: bound on the largest cluster's share of the points at every level.
        min_samples: as in :func:`nested_dbscan`; so are the arguments below.
        metric: see above.
        num_neighbors: see above.
        block_size: see above.

    Returns:
        One radius for each of ``mean_sizes``, ascending; two may be equal where the bound stops
        both. Where even the smallest radius breaks the bound, that radius.
    """
    if list(mean_sizes) != sorted(mean_sizes) or mean_sizes[0] < 1:
        raise ValueError(f'mean_sizes={list(mean_sizes)} must ascend from at least 1')

    def measure(radii: Sequence[float]) -> list[tuple[float, float]]:
        labels = nested_dbscan(
            features, radii, min_samples, metric, num_neighbors, block_size=block_size
        ).labels
        found = [summarize_partition(level) for level in labels]
        return [(level.mean_size, level.largest / len(features)) for level in found]

    def fitting(measured: list[tuple[float, float]], size: float) -> int:
        return sum(mean <= size and share <= max_share for mean, share in measured)

    coarse = _candidate_radii(features, min_samples, metric)
    measured = measure(coarse)
    chosen = []
    for size in mean_sizes:
        below = fitting(measured, size)
        low = coarse[below - 1] if below else coarse[0] / 2
        high = coarse[min(below, len(coarse) - 1)]
        fine = torch.linspace(low, high, 9, dtype=torch.float64)[:-1].tolist()
        chosen.append(fine[max(fitting(measure(fine), size) - 1, 0)])
    return chosen


def _candidate_radii(features: Tensor, min_samples: int, metric: str) -> list[float]:
    """Radii between which few and nearly all points are core points."""
    if metric == 'jaccard':
        return torch.linspace(0.1, 0.95, 12, dtype=torch.float64).tolist()
    rows = torch.linspace(0, len(features) - 1, min(len(features), 2048)).long()
    k = min(min_samples, len(features))
    cosine = nearest_neighbors(features[rows.to(features.device)], features, k)[0][:, -1]
    distance = (2 - 2 * cosine).clamp(min=1e-8).sqrt()
    share = torch.linspace(0.02, 0.98, 12, dtype=distance.dtype, device=distance.device)
    return sorted(distance.quantile(share).tolist())
