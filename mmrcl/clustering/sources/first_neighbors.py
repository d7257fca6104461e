"""First-neighbour clustering as a clustering source."""

from collections.abc import Sequence

from torch import Tensor

from ..first_neighbors import first_neighbor_levels
from ..levels import check_mean_sizes, warn_of_missed_sizes
from ..sharing import Progress, Ranks, silent


class FirstNeighborSource:
    """First-neighbour clustering (FINCH; Sarfraz et al., CVPR 2019): nested, without a radius.

    See :func:`mmrcl.clustering.first_neighbor_levels`. Every cluster of the algorithm's own levels
    has at least two images, if there are as many. The mean sizes are met to the rounding of the
    number of clusters. Copies of images may prevent it: they are never apart, so there are at most
    as many clusters as different images. No cluster has more images than there are. A warning says
    so.

    Args:
        mean_sizes: mean number of images per cluster of levels 2..H, ascending; or None for the
            algorithm's own levels up to one cluster, whose number depends on the data.
    """

    nested = True

    def __init__(self, mean_sizes: Sequence[float] | None = (2.6, 5.0)) -> None:
        if mean_sizes is not None:
            check_mean_sizes(mean_sizes)
        self.mean_sizes = mean_sizes

    def __call__(
        self, features: Tensor, classes: Tensor | None = None, progress: Progress = silent
    ) -> Tensor:
        """Cluster features of shape (N, d) into labels of shape (H - 1, N)."""
        if self.mean_sizes is None:
            return first_neighbor_levels(features, None, Ranks.all(), progress)
        counts = [max(1, round(len(features) / size)) for size in self.mean_sizes]
        labels = first_neighbor_levels(features, counts, Ranks.all(), progress)
        warn_of_missed_sizes(labels, self.mean_sizes, 'larger mean_sizes, or to remove copies')
        return labels
