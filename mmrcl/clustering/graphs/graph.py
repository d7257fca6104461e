"""Pairs of points and their distances: graphs that are traversed but not stored.

There are two traversals. One counts the neighbours of each point, the other yields the pairs that
are not yet known to be in one component. Both cover only the pairs of this rank.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..copies import Points
from ..sharing import Ranks

_CHUNK = 1 << 21  # edges in one tensor, roughly
_PARTS = 1 << 12  # blocks whose edges are gathered before they are concatenated


class Edges(NamedTuple):
    """Pairs of points, ``rows`` < ``cols``, and their lengths, each of shape (m,).

    The lengths are in the unit of :meth:`Graph.limits`, such as squared distances.
    """

    rows: Tensor
    cols: Tensor
    lengths: Tensor

    def where(self, chosen: Tensor) -> 'Edges':
        """Select the edges for which ``chosen`` (m,) is true."""
        places = chosen.nonzero()[:, 0]
        return Edges(*(part[places] for part in self))


class Graph(ABC):
    """Pairs of points and their lengths.

    Args:
        points: n points, and the images that each stands for.
        ranks: the ranks that share the pairs.
        margin: bound on the error of a length; :meth:`exact` decides pairs that are closer than
            this to a limit.

    Attributes:
        remedy: what to try if one cluster absorbs the others at given radii.
    """

    remedy = 'a smaller eps or eps="auto"'

    def __init__(self, points: Points, ranks: Ranks, margin: float = 0.0) -> None:
        self.points = points
        self.num_points = len(points.image)
        self.device = points.image.device
        self.ranks = ranks
        self.margin = margin

    @abstractmethod
    def edges(self, radius: float) -> Iterator[Edges]:
        """Yield all pairs of this rank within ``radius``, and possibly some a margin beyond it."""

    def limits(self, radii: Sequence[float]) -> Tensor:
        """Convert ``radii`` to the unit of the lengths, float64."""
        return torch.tensor(radii, dtype=torch.float64, device=self.device)

    def exact(self, edges: Edges) -> Tensor:
        """Compute the lengths of ``edges`` in float64, shape (m,)."""
        return edges.lengths.double()

    @abstractmethod
    def candidate_radii(self, min_samples: int) -> list[float]:
        """Propose ascending radii, at which few to nearly all points have enough neighbours."""

    def expected_edges(self, radius: float) -> float:
        """Estimate the number of edges within ``radius``; 0 if the graph is always sparse."""
        return 0.0

    def levels(self, edges: Edges, limits: Tensor) -> Tensor:
        """Find the first of the ascending ``limits`` (L,) that each edge keeps: its index, or L."""
        lengths = edges.lengths.double()
        level = torch.bucketize(lengths + self.margin, limits)
        doubtful = level != torch.bucketize(lengths - self.margin, limits)
        level[doubtful] = torch.bucketize(self.exact(edges.where(doubtful)), limits)
        return level

    def counts(self, radii: Sequence[float]) -> Tensor:
        """Count the images within each of the ascending ``radii`` of each point, shape (L, n).

        Those of the point itself are not counted. The counts cover the pairs of this rank: sum over
        ranks.
        """
        limits = self.limits(radii)
        counts = torch.zeros(len(radii) + 1, self.num_points, dtype=torch.long, device=self.device)
        for edges in self.edges(radii[-1]):
            first = self.levels(edges, limits) * self.num_points
            self._add_weights(counts.view(-1), edges.rows, edges.cols, first)
        return counts[:-1].cumsum(0)

    def _add_weights(
        self, counts: Tensor, rows: Tensor, cols: Tensor, first: Tensor | int = 0
    ) -> None:
        """Add to each end of the pairs, counted from ``first``, the images of the other end."""
        weights = self.points.weights
        counts.index_add_(0, first + rows, weights[cols])
        counts.index_add_(0, first + cols, weights[rows])

    def unsettled(
        self, radii: Sequence[float], core: Tensor, roots: Tensor
    ) -> Iterator[tuple[int, Edges]]:
        """Yield pairs within each radius that suffice to join core points and to attach the others.

        Args:
            radii: L of them, ascending.
            core: whether each point is a core point, shape (L, n).
            roots: its component, shape (L, n); the caller may update it during the iteration.

        Yields:
            Index of the radius and pairs within it: all pairs of a core point with another point,
            and enough pairs of core points to join components that are still separate.
        """
        limits = self.limits(radii)
        for edges in self.edges(radii[-1]):
            level = self.levels(edges, limits)
            for number, root in enumerate(roots):
                yield (
                    number,
                    edges.where((level <= number) & (root[edges.rows] != root[edges.cols])),
                )

    def keep(self, radius: float, max_edges: int) -> 'Graph':
        """Return a graph that stores all edges within ``radius``; if too many, return itself."""
        if self.expected_edges(radius) > 2 * max_edges * self.ranks.size:
            return self
        chunks: list[Edges] = []
        pending: list[Edges] = []
        total = joined = 0
        for edges in self.edges(radius):
            pending.append(edges)
            total += len(edges.rows)
            if total > max_edges:
                return self
            if total - joined > _CHUNK or len(pending) > _PARTS:
                chunks.append(_joined(pending))
                pending, joined = [], total
        return KeptEdges(self, radius, [*chunks, _joined(pending)] if pending else chunks)


def _joined(parts: Sequence[Edges]) -> Edges:
    return Edges(*(torch.cat(columns) for columns in zip(*parts, strict=True)))


class KeptEdges(Graph):
    """Edges held in memory.

    Args:
        origin: the graph that the edges come from; it computes exact lengths.
        radius: all edges up to this radius are kept.
        chunks: the edges.
    """

    def __init__(self, origin: Graph, radius: float, chunks: Sequence[Edges]) -> None:
        super().__init__(origin.points, origin.ranks, origin.margin)
        self.origin = origin
        self.radius = radius
        self.chunks = chunks
        self.remedy = origin.remedy

    def edges(self, radius: float) -> Iterator[Edges]:
        """Yield all edges that are kept."""
        assert radius <= self.radius
        yield from self.chunks

    def candidate_radii(self, min_samples: int) -> list[float]:
        """Delegate to the origin."""
        return self.origin.candidate_radii(min_samples)

    def limits(self, radii: Sequence[float]) -> Tensor:
        """Delegate to the origin."""
        return self.origin.limits(radii)

    def exact(self, edges: Edges) -> Tensor:
        """Delegate to the origin."""
        return self.origin.exact(edges)

    def keep(self, radius: float, max_edges: int) -> Graph:
        """Return itself if it covers ``radius``, else delegate to the origin."""
        return self if radius <= self.radius else self.origin.keep(radius, max_edges)
