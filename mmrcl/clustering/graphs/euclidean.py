"""Euclidean distances of all pairs, from blocks of a matrix product."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from mmrcl.arguments import check_features

from ..copies import Points, equal_rows
from ..neighbors import product_rounding
from ..scratch import Scratch
from ..segments import true_places
from ..sharing import Progress, Ranks, silent
from .components import joining_pairs
from .graph import Edges, Graph

_FEW = 64  # blocks in which fewer than 1 in 64 pairs are near are listed without thinning


class EuclideanGraph(Graph):
    """Squared Euclidean distances of all pairs, from blocks of a matrix product.

    For unit vectors a distance r corresponds to the cosine 1 - r^2 / 2. The products use the
    precision set by ``torch.set_float32_matmul_precision``; every pair that rounding could put on
    the wrong side of a limit is computed again in float64. The results therefore depend on the
    features alone, not on device, threads, ranks or precision. Equal features are one point.

    Args:
        features: shape (N, d), float32 or float64.
        ranks: the ranks that share the blocks.
        progress: progress callback over the blocks.
        block_size: points per block; memory grows with its square. By default 2048, on a GPU 8192.

    Raises:
        ValueError: if there are no features, or a feature is NaN or Inf.
    """

    remedy = 'a smaller eps, eps="auto" or metric="jaccard"'

    def __init__(
        self,
        features: Tensor,
        ranks: Ranks | None = None,
        progress: Progress = silent,
        block_size: int | None = None,
    ) -> None:
        features = check_features(features)
        points = Points.standing_in(equal_rows(features))
        features = points.rows(features)
        # Distances stay, and rounding shrinks where all features are close to one.
        self.center = features.mean(0)
        squares = torch.cat([self._squares(part) for part in features.split(1 << 16)])
        rounding = product_rounding(features) * 2 * float(squares.max())
        super().__init__(points, ranks or Ranks(), 2 * rounding)
        self.features = features
        self.halves = (squares / -2).to(features.dtype)
        self.progress = progress
        self.scratch = Scratch(features.device)
        self.block_size = block_size or (8192 if features.is_cuda else 2048)

    def limits(self, radii: Sequence[float]) -> Tensor:
        """Square the ``radii``."""
        return super().limits(radii).square()

    def exact(self, edges: Edges) -> Tensor:
        """Compute squared distances in float64, from the differences."""
        parts = zip(edges.rows.split(1 << 15), edges.cols.split(1 << 15), strict=True)
        lengths = [
            (self.features[rows].double() - self.features[cols]).square().sum(1)
            for rows, cols in parts
        ]
        return torch.cat(lengths)

    def candidate_radii(self, min_samples: int) -> list[float]:
        """Take quantiles of the distance to the ``min_samples``-th neighbour on a sample.

        The sample is evenly spaced.
        """
        k = min(min_samples, self.num_points)
        blocks = [part.topk(min(k, part.shape[1])).values for part in self._sampled(2048)]
        nearest = torch.cat(blocks, 1).topk(k).values
        distance = (-2 * nearest[:, -1]).clamp(min=1e-16).sqrt()
        share = torch.linspace(0.02, 0.98, 12, dtype=distance.dtype, device=self.device)
        return sorted(distance.quantile(share).tolist())

    def expected_edges(self, radius: float) -> float:
        """Extrapolate from the neighbours of an evenly spaced sample."""
        size = min(64, self.num_points)
        near = sum(int((-2 * product <= radius**2).sum()) for product in self._sampled(size))
        return (near / size - 1) * self.num_points / 2

    def _sampled(self, size: int) -> Iterator[Tensor]:
        """Yield blocks of minus half the squared distances of a sample to all points."""
        size = min(size, self.num_points)
        rows = torch.linspace(0, self.num_points - 1, size, device=self.device).long()
        sample = self._extended(rows, (0, 1))
        for points in torch.arange(self.num_points, device=self.device).split(1 << 14):
            yield sample @ self._extended(points, (1, 0)).T

    def edges(self, radius: float) -> Iterator[Edges]:
        """Yield pairs within ``radius`` or less than a margin beyond it."""
        least = -(radius**2 + self.margin) / 2
        for row, col, product in self._tiles():
            near = torch.ge(product, least, out=self.scratch.take('near', product.shape))
            yield self._edges(row, col, product, near)

    def counts(self, radii: Sequence[float]) -> Tensor:
        """Count as in :class:`Graph`, without listing the pairs."""
        counts = torch.zeros(len(radii), self.num_points, dtype=torch.long, device=self.device)
        limits = self.limits(radii).tolist()
        weights = self.points.weights.to(self.features.dtype)
        for row, col, product in self._tiles():
            rows, cols = slice(row, row + product.shape[0]), slice(col, col + product.shape[1])
            # Sums of small float integers are exact and much faster than those of bools.
            sure = self.scratch.take('sure', product.shape, product.dtype)
            doubtful = self.scratch.take('doubtful', product.shape)
            below = self.scratch.take('below', product.shape)
            for level, limit in zip(counts, limits, strict=True):
                torch.ge(product, (self.margin - limit) / 2, out=sure)
                torch.ge(product, (self.margin + limit) / -2, out=doubtful)
                doubtful &= torch.lt(product, (self.margin - limit) / 2, out=below)
                if row == col:
                    sure.fill_diagonal_(0)
                else:
                    level[cols] += sure.T.mv(weights[rows]).long()
                level[rows] += sure.mv(weights[cols]).long()
                edges = self._edges(row, col, product, doubtful)
                near = edges.where(self.exact(edges) <= limit)
                self._add_weights(level, near.rows, near.cols)
        return counts

    def unsettled(
        self, radii: Sequence[float], core: Tensor, roots: Tensor
    ) -> Iterator[tuple[int, Edges]]:
        """Yield pairs as in :class:`Graph`, without listing the settled ones."""
        limits = self.limits(radii)
        for row, col, product in self._tiles():
            rows, cols = slice(row, row + product.shape[0]), slice(col, col + product.shape[1])
            apart, near, inner = (
                self.scratch.take(name, product.shape) for name in ('apart', 'near', 'inner')
            )
            for level, limit in enumerate(limits.tolist()):
                left, right = roots[level, rows], roots[level, cols]
                torch.ne(left[:, None], right, out=apart)
                apart &= torch.ge(product, (self.margin + limit) / -2, out=near)
                if row == col:
                    apart.triu_(1)
                if int(apart.count_nonzero()) > apart.numel() // _FEW:
                    torch.logical_and(core[level, rows, None], core[level, cols], out=inner)
                    inner &= torch.ge(product, (self.margin - limit) / 2, out=near)
                    inner &= apart
                    apart ^= inner
                    apart |= joining_pairs(inner, left, right, self.scratch)
                edges = self._edges(row, col, product, apart)
                yield level, edges.where(self.levels(edges, limits) <= level)

    def _tiles(self) -> Iterator[tuple[int, int, Tensor]]:
        """Yield first row, first column and minus half the squared distances of each block.

        A block is valid until the next one is requested.
        """
        starts = range(0, self.num_points, self.block_size)
        pairs = [(row, col) for row in starts for col in starts if row <= col]
        left_of = None
        for row, col in self.progress(self.ranks.share(pairs), 'Comparing images'):
            if row != left_of:
                left, left_of = self._extended(self._block(row), (0, 1)), row
            right = self._extended(self._block(col), (1, 0))
            out = self.scratch.take('product', (len(left), len(right)), left.dtype)
            yield row, col, torch.mm(left, right.T, out=out)

    def _block(self, start: int) -> slice:
        return slice(start, start + self.block_size)

    def _extended(self, points: slice | Tensor, order: tuple[int, int]) -> Tensor:
        """Append two columns, so that a product of points is minus half the squared distance."""
        halves = self.halves[points]
        columns = (halves, torch.ones_like(halves))
        added = torch.stack([columns[number] for number in order], 1)
        return torch.cat([self.features[points] - self.center, added], 1)

    def _squares(self, rows: Tensor) -> Tensor:
        lengths: Tensor = torch.linalg.vector_norm(rows - self.center, dim=1, dtype=torch.float64)
        return lengths.square()

    @staticmethod
    def _edges(row: int, col: int, product: Tensor, chosen: Tensor) -> Edges:
        if row == col:
            chosen.triu_(1)
        rows, cols = true_places(chosen)
        return Edges((rows + row).int(), (cols + col).int(), product[rows, cols].mul_(-2))
