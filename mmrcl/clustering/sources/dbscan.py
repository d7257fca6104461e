"""Nested DBSCAN as a clustering source."""

import warnings
from collections.abc import Sequence
from typing import Literal

from torch import Tensor

from ..copies import SAME
from ..dbscan import check_radii, nested_dbscan, warn_of_percolation
from ..graphs import EuclideanGraph, Graph, JaccardGraph
from ..radii import choose_radii
from ..sharing import Progress, Ranks, silent

_AUTO_REMEDY = (
    'to remove copies of images, or a larger max_share for a few images; if there are no copies, '
    'the encoder has collapsed'
)


class DBSCANSource:
    """Nested DBSCAN (Sect. 4.3): initialises the online hierarchy; also a source of Table 4.

    Args:
        eps: radii of levels 2..H, ascending, or ``'auto'``.
        mean_sizes: for ``'auto'``: target mean number of images per cluster, one per level. The
            paper's K-means on ImageNet, 1,000,000 / 500,000 / 250,000 clusters, has 1.3 / 2.6 / 5.
        max_share: bound on the largest cluster's share of the images: enforced with ``'auto'``, a
            warning with given radii.
        min_samples: points within the radius, itself included, that make a core point.
        metric: ``'euclidean'``, or ``'jaccard'`` over mutual nearest neighbours, which resists
            percolation on features of an early network.
        num_neighbors: mutual nearest neighbours of the Jaccard metric.
    """

    nested = True

    def __init__(
        self,
        eps: Sequence[float] | Literal['auto'] = 'auto',
        mean_sizes: Sequence[float] = (2.6, 5.0),
        max_share: float = 0.05,
        min_samples: int = 4,
        metric: Literal['euclidean', 'jaccard'] = 'euclidean',
        num_neighbors: int = 20,
    ) -> None:
        if isinstance(eps, str) and eps != 'auto':
            raise ValueError(f"eps='{eps}' is unknown: give radii, finest level first, or 'auto'")
        if not isinstance(eps, str):
            check_radii(eps)
        if metric not in ('euclidean', 'jaccard'):
            raise ValueError(f"metric='{metric}' is unknown: choose 'euclidean' or 'jaccard'")
        self.eps = eps
        self.mean_sizes = mean_sizes
        self.max_share = max_share
        self.min_samples = min_samples
        self.metric = metric
        self.num_neighbors = num_neighbors

    def __call__(
        self, features: Tensor, classes: Tensor | None = None, progress: Progress = silent
    ) -> Tensor:
        """Cluster features of shape (N, d) into labels of shape (H - 1, N)."""
        graph = self._graph(features, progress)
        if not isinstance(self.eps, str):
            return nested_dbscan(graph, self.eps, self.min_samples, self.max_share).labels
        eps, graph = choose_radii(graph, self.mean_sizes, self.max_share, self.min_samples)
        if self.metric == 'euclidean' and eps[-1] < SAME:
            warnings.warn(
                f'nearly equal features: eps="auto" chose radii up to {eps[-1]:.2g}, below {SAME}. '
                'The clusters are those of noise: the encoder has collapsed, or the images are '
                'copies of few; metric="jaccard" joins copies',
                stacklevel=2,
            )
        labels = nested_dbscan(graph, eps, self.min_samples).labels
        for level, radius in zip(labels, eps, strict=True):
            where = f'the smallest radius that was tried, eps={radius:.4g},'
            warn_of_percolation(level, self.max_share, where, _AUTO_REMEDY)
        return labels

    def _graph(self, features: Tensor, progress: Progress) -> Graph:
        if self.metric == 'euclidean':
            return EuclideanGraph(features, Ranks.all(), progress)
        return JaccardGraph(features, self.num_neighbors, Ranks.all(), progress)
