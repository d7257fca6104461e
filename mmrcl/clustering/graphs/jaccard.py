"""Overlap of the sets of mutual nearest neighbours."""

from collections.abc import Iterator

import torch
from torch import Tensor

from mmrcl.arguments import check_at_least, check_features

from ..copies import distinct_neighbors
from ..neighbors import mutual_neighbors
from ..sharing import Progress, Ranks, silent
from .graph import Edges, Graph


class JaccardGraph(Graph):
    """Edges by k-reciprocal Jaccard distance.

    Two points are mutual neighbours if each is among the k nearest of the other, itself
    included. The distance of two points is one minus the overlap (intersection over union) of
    their sets of mutual neighbours (Zhong et al., CVPR 2017, without the local expansion). Only
    points with a common mutual neighbour are closer than 1, so the graph is sparse at any radius
    below 1.

    Copies of an image, whose features are equal or closer than 0.001 as float32 cosines cannot tell
    them apart, are one point: they share a cluster, and neighbours are k different points. A point
    counts as many images as it stands for, so the distances of the others do not depend on copies.

    Args:
        features: L2-normalised, shape (N, d).
        num_neighbors: k, nearest neighbours of a point.
        ranks: the ranks that share products and pairs; all must build the graph.
        progress: progress callback over the blocks.
        block_size: points per block. By default 2048, on a GPU 8192.

    Raises:
        ValueError: if there are no features, a feature is NaN or Inf, or ``num_neighbors`` < 1.
    """

    def __init__(
        self,
        features: Tensor,
        num_neighbors: int = 20,
        ranks: Ranks | None = None,
        progress: Progress = silent,
        block_size: int | None = None,
    ) -> None:
        features = check_features(features)
        check_at_least(num_neighbors, 'num_neighbors', 1)
        ranks = ranks or Ranks()
        points, _, nearest = distinct_neighbors(
            features, num_neighbors, ranks=ranks, progress=progress
        )
        super().__init__(points, ranks)
        self.progress = progress
        self.block_size = block_size or (8192 if features.is_cuda else 2048)
        self.starts, self.members = mutual_neighbors(nearest)

    def edges(self, radius: float) -> Iterator[Edges]:
        """Yield pairs within ``radius``, which must be below 1."""
        if radius >= 1:
            raise ValueError(f'eps={radius} must be below 1, the largest Jaccard distance')
        sizes = self.starts.diff()
        blocks = range(0, self.num_points, self.block_size)
        for begin in self.progress(self.ranks.share(blocks), 'Comparing neighbours'):
            end = min(begin + self.block_size, self.num_points)
            block = torch.arange(begin, end, device=self.device)
            origin, middle = self._mutual_of(block)
            hop, cols = self._mutual_of(middle)
            rows = block[origin][hop]
            upper = rows < cols
            pairs, common = torch.unique(
                rows[upper] * self.num_points + cols[upper], return_counts=True
            )
            rows, cols = pairs // self.num_points, pairs % self.num_points
            lengths = 1 - common.double() / (sizes[rows] + sizes[cols] - common)
            edges = Edges(rows.int(), cols.int(), lengths)
            yield edges.where(lengths <= radius)

    def candidate_radii(self, min_samples: int) -> list[float]:
        """Return evenly spaced radii in (0, 1)."""
        return torch.linspace(0.1, 0.95, 12, dtype=torch.float64).tolist()

    def _mutual_of(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """List the mutual neighbours of all ``points``: position of the point, and neighbour."""
        counts = self.starts.diff()[points]
        place = torch.arange(len(points), device=points.device).repeat_interleave(counts)
        skipped = (self.starts[points] - (counts.cumsum(0) - counts))[place]
        return place, self.members[skipped + torch.arange(len(place), device=points.device)]
