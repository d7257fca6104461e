"""Who is near whom: edges within a radius and nearest neighbours, block by block.

No function here holds an N x N matrix: the product of two blocks of features is looked through
and dropped.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor


class Edges(NamedTuple):
    """Pairs of points, ``rows`` < ``cols``, and their distances, each of shape (m,)."""

    rows: Tensor
    cols: Tensor
    distances: Tensor


class EuclideanGraph:
    """Edges of all pairs within a radius in Euclidean distance; iterable again and again.

    On unit vectors a distance r means the cosine 1 - r^2 / 2.

    Args:
        features: shape (N, d), float32 or float64.
        radius: largest distance of an edge.
        block_size: points a block; memory grows with its square.
    """

    def __init__(self, features: Tensor, radius: float, block_size: int = 2048) -> None:
        self.features = features
        self.radius = radius
        self.block_size = block_size

    def __iter__(self) -> Iterator[Edges]:
        squares = self.features.square().sum(1)
        blocks = range(0, len(self.features), self.block_size)
        for start in blocks:
            for other in range(start, len(self.features), self.block_size):
                yield self._block(start, other, squares)

    def _block(self, start: int, other: int, squares: Tensor) -> Edges:
        row = slice(start, start + self.block_size)
        col = slice(other, other + self.block_size)
        product = self.features[row] @ self.features[col].T
        distance = (squares[row, None] + squares[col]).sub_(product, alpha=2).clamp_(min=0).sqrt_()
        near = distance <= self.radius
        rows, cols = (near.triu(1) if start == other else near).nonzero(as_tuple=True)
        return Edges(rows + start, cols + other, distance[rows, cols])


class JaccardGraph:
    """Edges of all pairs within a radius in k-reciprocal Jaccard distance.

    Two points are mutual neighbours if each is among the k nearest of the other, itself
    included. The distance of two points is one minus the overlap (intersection over union) of
    their sets of mutual neighbours (Zhong et al., CVPR 2017, without the local expansion). It
    needs a common mutual neighbour, so the graph is sparse at any radius below 1.

    Args:
        features: L2-normalised, shape (N, d).
        radius: largest distance of an edge, below 1.
        num_neighbors: k.
        block_size: points a block.
    """

    def __init__(
        self, features: Tensor, radius: float, num_neighbors: int = 20, block_size: int = 2048
    ) -> None:
        if radius >= 1:
            raise ValueError(f'eps={radius}: a Jaccard distance is a share, so eps must be below 1')
        self.radius = radius
        self.block_size = block_size
        self.num_points = len(features)
        nearest = nearest_neighbors(features, features, min(num_neighbors, len(features)))[1]
        self.starts, self.members = _mutual_neighbors(nearest)

    def __iter__(self) -> Iterator[Edges]:
        sizes = self.starts.diff()
        for begin in range(0, self.num_points, self.block_size):
            end = min(begin + self.block_size, self.num_points)
            block = torch.arange(begin, end, device=self.members.device)
            origin, middle = self._mutual_of(block)
            hop, cols = self._mutual_of(middle)
            rows = block[origin][hop]
            upper = rows < cols
            pairs, common = torch.unique(
                rows[upper] * self.num_points + cols[upper], return_counts=True
            )
            rows, cols = pairs // self.num_points, pairs % self.num_points
            distance = 1 - common / (sizes[rows] + sizes[cols] - common)
            near = distance <= self.radius
            yield Edges(rows[near], cols[near], distance[near])

    def _mutual_of(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Mutual neighbours of all ``points`` in a row, behind the place of their point."""
        counts = self.starts.diff()[points]
        place = torch.arange(len(points), device=points.device).repeat_interleave(counts)
        skipped = (self.starts[points] - (counts.cumsum(0) - counts))[place]
        return place, self.members[skipped + torch.arange(len(place), device=points.device)]


def _mutual_neighbors(nearest: Tensor) -> tuple[Tensor, Tensor]:
    """Sets of mutual neighbours as (starts, members) of a compressed sparse table."""
    num, width = nearest.shape
    rows = torch.arange(num, device=nearest.device).repeat_interleave(width)
    forward = rows * num + nearest.flatten()
    backward = nearest.flatten() * num + rows
    alone = torch.arange(num, device=nearest.device) * (num + 1)
    mutual = torch.unique(torch.cat([forward[torch.isin(forward, backward)], alone]))
    counts = torch.bincount(mutual // num, minlength=num)
    return torch.cat([counts.new_zeros(1), counts.cumsum(0)]), mutual % num


def nearest_neighbors(
    queries: Tensor, features: Tensor, k: int, block_size: int = 2048
) -> tuple[Tensor, Tensor]:
    """The k features of largest dot product with each query.

    Args:
        queries: shape (n, d).
        features: shape (N, d), k <= N.
        k: neighbours a query.
        block_size: bound on queries a block and on features a block.

    Returns:
        Products and indices, each of shape (n, k), largest product first.
    """
    found = [_nearest(part, features, k, 8 * block_size) for part in queries.split(block_size)]
    return torch.cat([f[0] for f in found]), torch.cat([f[1] for f in found])


def _nearest(queries: Tensor, features: Tensor, k: int, width: int) -> tuple[Tensor, Tensor]:
    best = queries.new_empty(len(queries), 0)
    index = torch.empty(len(queries), 0, dtype=torch.long, device=queries.device)
    for start in range(0, len(features), width):
        product = queries @ features[start : start + width].T
        value, place = product.topk(min(k, product.shape[1]))
        best, index = torch.cat([best, value], 1), torch.cat([index, place + start], 1)
        best, chosen = best.topk(min(k, best.shape[1]))
        index = index.gather(1, chosen)
    return best, index


class EdgeCache:
    """Walks through a graph more than once and keeps its edges while they are few.

    Args:
        graph: an iterable of :class:`Edges` that can be walked again.
        max_edges: edges to keep at most; beyond, each walk asks the graph anew.
    """

    def __init__(self, graph: Iterable[Edges], max_edges: int) -> None:
        self.graph = graph
        self.max_edges = max_edges
        self.kept: list[Edges] | None = None

    def __iter__(self) -> Iterator[Edges]:
        if self.kept is not None:
            yield from self.kept
            return
        kept: list[Edges] | None = []
        total = 0
        for edges in self.graph:
            total += len(edges.rows)
            if total > self.max_edges:
                kept = None
            if kept is not None:
                kept.append(edges)
            yield edges
        self.kept = kept
