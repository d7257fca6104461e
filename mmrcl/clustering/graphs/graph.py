"""Which pairs of points are how near: graphs that are walked and never held whole.

A graph serves two walks. One counts the neighbours of each point, the other gives the pairs that
are not yet known to belong together. Both run over the pairs of this rank alone.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..sharing import Ranks

_CHUNK = 1 << 21  # edges in one piece of memory, roughly
_PARTS = 1 << 12  # blocks whose edges are gathered before they become one piece


class Edges(NamedTuple):
    """Pairs of points, ``rows`` < ``cols``, and how far apart they are, each of shape (m,).

    The lengths are in the graph's own measure; see :meth:`Graph.limits`.
    """

    rows: Tensor
    cols: Tensor
    lengths: Tensor

    def where(self, chosen: Tensor) -> 'Edges':
        """The edges for which ``chosen`` (m,) is true."""
        return Edges(*(part[chosen] for part in self))


class Graph(ABC):
    """Pairs of points and their lengths.

    Args:
        num_points: N, their number.
        device: where its tensors live.
        ranks: who shares the pairs.
        margin: bound on the error of a length; :meth:`exact` decides what is nearer than that to
            a limit.
    """

    def __init__(
        self, num_points: int, device: torch.device, ranks: Ranks, margin: float = 0.0
    ) -> None:
        self.num_points = num_points
        self.device = device
        self.ranks = ranks
        self.margin = margin

    @abstractmethod
    def edges(self, radius: float) -> Iterator[Edges]:
        """All pairs of this rank within ``radius``, and perhaps some a margin beyond it."""

    def limits(self, radii: Sequence[float]) -> Tensor:
        """The ``radii`` in the measure of the lengths, float64."""
        return torch.tensor(radii, dtype=torch.float64, device=self.device)

    def exact(self, edges: Edges) -> Tensor:
        """Lengths of ``edges`` in float64, shape (m,)."""
        return edges.lengths.double()

    @abstractmethod
    def candidate_radii(self, min_samples: int) -> list[float]:
        """Radii, ascending, between which few and nearly all points have so many neighbours."""

    def expected_edges(self, radius: float) -> float:
        """Number of edges within ``radius``, estimated; 0 where there are always few."""
        return 0.0

    def levels(self, edges: Edges, limits: Tensor) -> Tensor:
        """Index of the first of the ascending ``limits`` (L,) that each edge keeps, or L."""
        lengths = edges.lengths.double()
        level = torch.bucketize(lengths + self.margin, limits)
        doubtful = level != torch.bucketize(lengths - self.margin, limits)
        level[doubtful] = torch.bucketize(self.exact(edges.where(doubtful)), limits)
        return level

    def counts(self, radii: Sequence[float]) -> Tensor:
        """Points within each of the ascending ``radii`` of each point, shape (L, N).

        The sum over ranks leaves out the point itself.
        """
        limits = self.limits(radii)
        counts = torch.zeros(len(radii) + 1, self.num_points, dtype=torch.long, device=self.device)
        for edges in self.edges(radii[-1]):
            first = self.levels(edges, limits) * self.num_points
            for ends in (edges.rows, edges.cols):
                counts.view(-1).index_add_(0, first + ends, torch.ones_like(first))
        return counts[:-1].cumsum(0)

    def unsettled(
        self, radii: Sequence[float], core: Tensor, roots: Tensor
    ) -> Iterator[tuple[int, Edges]]:
        """Pairs within each radius that suffice to join core points and to attach the others.

        Args:
            radii: L of them, ascending.
            core: whether each point is a core point, shape (L, N).
            roots: its component, shape (L, N); what others change there meanwhile is heeded.

        Yields:
            Number of the radius and pairs within it: all of a core point and another point, and
            enough of two core points to join what is not yet joined.
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
        """A graph with all edges within ``radius`` in memory, or itself if these are too many."""
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
        origin: the graph that they come from, which measures them.
        radius: up to which all are kept.
        chunks: the edges.
    """

    def __init__(self, origin: Graph, radius: float, chunks: Sequence[Edges]) -> None:
        super().__init__(origin.num_points, origin.device, origin.ranks, origin.margin)
        self.origin = origin
        self.radius = radius
        self.chunks = chunks

    def edges(self, radius: float) -> Iterator[Edges]:
        """All edges that are kept."""
        assert radius <= self.radius
        yield from self.chunks

    def candidate_radii(self, min_samples: int) -> list[float]:
        """As the origin."""
        return self.origin.candidate_radii(min_samples)

    def limits(self, radii: Sequence[float]) -> Tensor:
        """As the origin."""
        return self.origin.limits(radii)

    def exact(self, edges: Edges) -> Tensor:
        """As the origin."""
        return self.origin.exact(edges)

    def keep(self, radius: float, max_edges: int) -> Graph:
        """Itself, if it reaches so far."""
        return self if radius <= self.radius else self.origin.keep(radius, max_edges)
