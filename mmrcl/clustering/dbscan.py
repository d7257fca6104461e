"""DBSCAN at several radii at once, with nested labels (Sect. 4.3, Table 4)."""

import math
import warnings
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mmrcl.arguments import check_at_least, check_labels

from .graphs import Components, Edges, Graph, connect
from .hierarchy import canonical_labels
from .quality import summarize_partition

MAX_EDGES = 1 << 25


class PercolationWarning(UserWarning):
    """Warning that one cluster absorbs a large part of the images: the radius is too large."""


class NestedPartition(NamedTuple):
    """Result of :func:`nested_dbscan`.

    Attributes:
        labels: canonical labels, noise as clusters of one, shape (L, N).
        core: whether each image is a core point, shape (L, N).
    """

    labels: Tensor
    core: Tensor


def nested_dbscan(
    graph: Graph,
    eps: Sequence[float],
    min_samples: int = 4,
    max_share: float = 1.0,
    max_edges: int = MAX_EDGES,
) -> NestedPartition:
    """Cluster by DBSCAN at all radii in one pass over the pairs of points.

    For a fixed ``min_samples``, core points and their components only grow with the radius.
    Border points follow a rule that makes the levels nest for every sample: a border point joins
    its nearest core point (ties to the smaller index) at the finest level at which it has one, and
    follows that core point at all coarser levels. Each noise point is a cluster of its own.
    Copies of an image are one point of the graph: they count towards ``min_samples`` and always
    share a cluster, noise too.

    Edges are kept in memory up to ``max_edges``. With more, a second pass joins the components
    without storing edges, so memory stays bounded for any data.

    Args:
        graph: the points, such as ``EuclideanGraph(features)``. The call is collective: all ranks
            that share the graph must call, and all get the labels of a single process.
        eps: radii, ascending.
        min_samples: points within the radius, itself included, that make a core point.
        max_share: warn if the largest cluster holds more than this share of the points.
        max_edges: edges that a rank may keep in memory, 12 bytes each (Jaccard: 16).

    Raises:
        ValueError: if the radii are not positive and ascending.
    """
    check_radii(eps)
    check_at_least(min_samples, 'min_samples', 1)
    found = cluster_graph(graph.keep(eps[-1], max_edges), eps, min_samples)
    for level, radius in zip(found.labels, eps, strict=True):
        warn_of_percolation(level, max_share, f'eps={radius:.4g}', graph.remedy)
    return found


def check_radii(eps: Sequence[float]) -> None:
    """Raise ValueError unless the radii are positive and ascending."""
    if not len(eps) or any(low > high for low, high in zip(eps, eps[1:], strict=False)):
        raise ValueError(f'eps={list(eps)} must be radii in ascending order, finest level first')
    if not all(0 < radius < math.inf for radius in eps):
        raise ValueError(f'eps={list(eps)} must be above 0, and finite')


def cluster_graph(graph: Graph, eps: Sequence[float], min_samples: int) -> NestedPartition:
    """Run :func:`nested_dbscan` on the edges of ``graph``, without checks and warnings."""
    counts = graph.counts(eps)
    graph.ranks.sum_(counts)
    core = counts + graph.points.weights >= min_samples
    roots, anchors = _components_and_borders(graph, core, eps)
    of_image = graph.points.of_image
    levels = _label_levels(core, roots, anchors)
    labels = torch.stack([canonical_labels(level[of_image]) for level in levels])
    return NestedPartition(labels, core[:, of_image])


class _Borders:
    """The nearest core point of each non-core point of one level, ties to the smaller index."""

    def __init__(self, core: Tensor) -> None:
        self.core = core
        self.anchors = torch.full(core.shape, len(core), dtype=torch.long, device=core.device)
        self.reach = torch.full(core.shape, math.inf, dtype=torch.float64, device=core.device)

    def add(self, graph: Graph, edges: Edges) -> None:
        edges = edges.where(self.core[edges.rows] != self.core[edges.cols])
        inward = self.core[edges.cols]
        ends = torch.where(inward, edges.rows, edges.cols).long()
        cores = torch.where(inward, edges.cols, edges.rows).long()
        self._attach(ends, cores, graph.exact(edges))

    def _attach(self, ends: Tensor, cores: Tensor, lengths: Tensor) -> None:
        before = self.reach[ends]
        self.reach.scatter_reduce_(0, ends, lengths, 'amin')
        # Forget the old anchor where a shorter edge came; then the smallest index wins a tie.
        closest = lengths == self.reach[ends]
        self.anchors[ends[closest & (lengths < before)]] = len(self.core)
        self.anchors.scatter_reduce_(0, ends[closest], cores[closest], 'amin')

    def settle(self, graph: Graph) -> Tensor:
        """Combine the anchors of all ranks, -1 for none, shape (N,)."""
        # The minimum over ranks must not see an anchor that is farther than another rank's.
        mine = self.reach.clone()
        graph.ranks.min_(self.reach)
        self.anchors[mine > self.reach] = len(self.core)
        graph.ranks.min_(self.anchors)
        return self.anchors.masked_fill(self.anchors == len(self.core), -1)


def _components_and_borders(
    graph: Graph, core: Tensor, eps: Sequence[float]
) -> tuple[Tensor, list[Tensor]]:
    """Find the components of the core points, and the nearest core point of each other point.

    Returns:
        Smallest core point of each core point's component, shape (L, n), and for each level the
        nearest core point within the radius or -1, shape (n,).
    """
    levels, num = core.shape
    everyone = torch.arange(num, device=core.device)
    roots = everyone.repeat(levels, 1)
    components = [Components(level, max(1 << 12, num // 16)) for level in roots]
    borders = [_Borders(level) for level in core]
    for level, edges in graph.unsettled(eps, core, roots):
        inner = edges.where(core[level, edges.rows] & core[level, edges.cols])
        components[level].add(inner.rows.long(), inner.cols.long())
        borders[level].add(graph, edges)
    for component in components:
        component.join()
    for theirs in graph.ranks.of_others(roots.clone()):
        for root, other in zip(roots, theirs, strict=True):
            connect(root, everyone, other)
    return roots, [border.settle(graph) for border in borders]


def _label_levels(core: Tensor, roots: Tensor, anchors: Sequence[Tensor]) -> list[Tensor]:
    alone = torch.arange(core.shape[1], device=core.device)
    anchor = torch.full_like(alone, -1)
    labels = []
    # From fine to coarse: a border point keeps the core point of its first level, so levels nest.
    for is_core, root, nearest in zip(core, roots, anchors, strict=True):
        anchor = torch.where(is_core, alone, torch.where(anchor >= 0, anchor, nearest))
        labels.append(torch.where(anchor >= 0, root[anchor], alone))
    return labels


def warn_of_percolation(labels: Tensor, max_share: float, where: str, remedy: str) -> None:
    """Issue a :class:`PercolationWarning` if the largest cluster is above ``max_share``."""
    labels = check_labels(labels)
    share = summarize_partition(labels).largest / len(labels)
    if share > max_share:
        warnings.warn(
            f'percolation: at {where} the largest cluster holds {share:.1%} of the images, more '
            f'than max_share={max_share:.1%}; try {remedy}',
            PercolationWarning,
            stacklevel=2,
        )
