"""K-means as clustering sources."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmrcl.arguments import check_features

from ..kmeans import kmeans, require_kmeans
from ..levels import warn_of_missed_sizes
from ..segments import group_rows, segment_mean
from ..sharing import Progress, silent


class KMeansSource:
    """Independent K-means at each level, as in Table 4: labels that do not nest.

    Args:
        num_clusters: clusters of levels 2..H, from fine to coarse; the paper uses 1,000,000,
            500,000 and 250,000 on ImageNet.
        max_iters: maximum number of Lloyd's iterations.
        seed: seed of the initial centres of all levels, or of each level. Levels of one number of
            clusters need different ones, or they are equal.

    Raises:
        ImportError: without pt_kmeans.
        ValueError: if ``num_clusters`` does not descend, or has another length than the seeds.
    """

    nested = False

    def __init__(
        self, num_clusters: Sequence[int], max_iters: int = 20, seed: int | Sequence[int] = 0
    ) -> None:
        require_kmeans()
        if list(num_clusters) != sorted(num_clusters, reverse=True):
            raise ValueError(f'num_clusters={list(num_clusters)} must descend, finest level first')
        self.num_clusters = num_clusters
        self.max_iters = max_iters
        self.seeds = [seed] * len(num_clusters) if isinstance(seed, int) else list(seed)
        if len(self.seeds) != len(num_clusters):
            raise ValueError(
                f'seed={self.seeds} of {type(self).__name__} must be one seed, or one for each of '
                f'num_clusters={list(num_clusters)}'
            )

    def check(self, images: int) -> None:
        """Raise ValueError for more clusters than images."""
        finest = max(self.num_clusters, default=0)
        if finest > images:
            raise ValueError(
                f'num_clusters={finest} of {type(self).__name__} must not exceed the {images} '
                'images: set default_hooks.clustering.source.num_clusters to smaller numbers'
            )

    def __call__(
        self, features: Tensor, classes: Tensor | None = None, progress: Progress = silent
    ) -> Tensor:
        """Cluster features of shape (N, d) into labels of shape (H - 1, N)."""
        levels = list(zip(self.num_clusters, self.seeds, strict=True))
        labels = torch.stack(
            [
                kmeans(features, number, seed, self.max_iters)
                for number, seed in progress(levels, 'Clustering by K-means')
            ]
        )
        self._warn_of_missed_sizes(labels)
        return labels

    def _warn_of_missed_sizes(self, labels: Tensor) -> None:
        mean_sizes = [labels.shape[1] / number for number in self.num_clusters]
        warn_of_missed_sizes(labels, mean_sizes, 'smaller num_clusters, or to remove copies')


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
        levels = [kmeans(features, self.num_clusters[0], self.seeds[0], self.max_iters)]
        for size, seed in zip(self.num_clusters[1:], self.seeds[1:], strict=True):
            clusters = group_rows(levels[-1])
            centroids = segment_mean(features, clusters)
            joined = kmeans(centroids, min(size, len(centroids)), seed, self.max_iters)
            levels.append(joined[clusters.inverse])
        labels = torch.stack(levels)
        self._warn_of_missed_sizes(labels)
        return labels
