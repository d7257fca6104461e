"""Interchangeable clustering sources of the labels of levels 2..H.

A source is called with the features of all images, shape (N, d), L2-normalised, their classes if
known, and a progress callback. It returns labels of shape (H - 1, N), from fine to coarse. Its
attribute ``nested`` is True if these are always nested. In a distributed run all ranks call it.
"""

import warnings
from collections.abc import Sequence
from typing import Literal, Protocol

import torch
from torch import Tensor

from mmrcl.arguments import check_features, check_labels, check_tensor

from .copies import SAME
from .dbscan import check_radii, nested_dbscan, warn_of_percolation
from .graphs import EuclideanGraph, Graph, JaccardGraph
from .kmeans import kmeans, require_kmeans
from .radii import choose_radii
from .segments import group_rows, segment_mean
from .sharing import Progress, Ranks, silent

_AUTO_REMEDY = (
    'to remove copies of images, or a larger max_share for a few images; if there are no copies, '
    'the encoder has collapsed'
)


class ClusteringSource(Protocol):
    """Interface of a clustering source: features in, labels of levels 2..H out."""

    nested: bool

    def __call__(
        self, features: Tensor, classes: Tensor | None = None, progress: Progress = silent
    ) -> Tensor:
        """Cluster features of shape (N, d) into labels of shape (H - 1, N)."""
        ...


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


class KMeansSource:
    """Independent K-means at each level, as in Table 4: labels that do not nest.

    Args:
        num_clusters: clusters of levels 2..H, from fine to coarse; the paper uses 1,000,000,
            500,000 and 250,000 on ImageNet.
        max_iters: maximum number of Lloyd's iterations.
        seed: seed of the initial centres.

    Raises:
        ImportError: without pt_kmeans.
        ValueError: if ``num_clusters`` does not descend.
    """

    nested = False

    def __init__(self, num_clusters: Sequence[int], max_iters: int = 20, seed: int = 0) -> None:
        require_kmeans()
        if list(num_clusters) != sorted(num_clusters, reverse=True):
            raise ValueError(f'num_clusters={list(num_clusters)} must descend, finest level first')
        self.num_clusters = num_clusters
        self.max_iters = max_iters
        self.seed = seed

    def __call__(
        self, features: Tensor, classes: Tensor | None = None, progress: Progress = silent
    ) -> Tensor:
        """Cluster features of shape (N, d) into labels of shape (H - 1, N)."""
        levels = progress(self.num_clusters, 'Clustering by K-means')
        return torch.stack([kmeans(features, k, self.seed, self.max_iters) for k in levels])


class HierarchicalKMeansSource(KMeansSource):
    """K-means of the images, then of the centroids of the level below: labels that nest.

    A centroid is the mean of all images of its cluster, not normalised, and has weight 1 for any
    number of images. A level has fewer clusters than requested if centres end without points, as
    happens among identical images. Arguments and errors are those of :class:`KMeansSource`.
    """

    nested = True

    def __call__(
        self, features: Tensor, classes: Tensor | None = None, progress: Progress = silent
    ) -> Tensor:
        """Cluster features of shape (N, d) into labels of shape (H - 1, N)."""
        features = check_features(features)
        features = features.to(torch.promote_types(features.dtype, torch.float32))
        levels = [kmeans(features, self.num_clusters[0], self.seed, self.max_iters)]
        for size in self.num_clusters[1:]:
            clusters = group_rows(levels[-1])
            centroids = segment_mean(features, clusters)
            joined = kmeans(centroids, min(size, len(centroids)), self.seed, self.max_iters)
            levels.append(joined[clusters.inverse])
        return torch.stack(levels)


class ClassSource:
    """True classes at every level above the images: an upper bound for criteria from clusters.

    Args:
        num_levels: H, the images included.
    """

    nested = True

    def __init__(self, num_levels: int) -> None:
        self.num_levels = num_levels

    def __call__(
        self, features: Tensor, classes: Tensor | None = None, progress: Progress = silent
    ) -> Tensor:
        """Repeat ``classes`` of shape (N,) to labels of shape (H - 1, N)."""
        if classes is None:
            raise ValueError(
                'ClassSource needs the true classes: use a data set whose samples have gt_label'
            )
        features = check_tensor(features, 'features')
        classes = check_labels(classes, 'classes', len(features))
        return classes.to(features.device).repeat(self.num_levels - 1, 1)
