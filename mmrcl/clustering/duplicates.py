"""Near-duplicates: groups of images whose features point in almost the same direction."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.arguments import check_features

from .dbscan import nested_dbscan
from .graphs import EuclideanGraph
from .sharing import Progress, Ranks, silent


def near_duplicates(
    features: Tensor, threshold: float, ranks: Ranks | None = None, progress: Progress = silent
) -> Tensor:
    """Group images that a chain of pairs with a cosine of at least ``threshold`` connects.

    These are the connected components of the pairs, that is DBSCAN with ``min_samples=1`` at the
    radius ``sqrt(2 - 2 * threshold)``. Every pair is compared, and doubtful ones in float64, so the
    groups depend on the features alone. Two images of a group may be less similar than the
    threshold, as the ends of a chain are. Rows of zeros are copies of each other.

    Args:
        features: shape (N, d); they are L2-normalised first, half precision in float32.
        threshold: smallest cosine of a pair, in (-1, 1). It is a property of the encoder which
            cosine means "the same picture".
        ranks: the ranks that share the pairs; all must call, with the same features.
        progress: progress callback over the blocks of pairs.

    Returns:
        Canonical labels, shape (N,): an image without near-duplicates is a group of its own.

    Raises:
        ValueError: for a threshold outside (-1, 1), if there are no features, or a feature is NaN
            or Inf.
    """
    features = check_features(features)
    if not -1 < threshold < 1:
        raise ValueError(
            f'threshold={threshold} must be above -1 and below 1, the cosine of equal features: '
            '0.999 finds copies'
        )
    wide = torch.promote_types(features.dtype, torch.float32)
    graph = EuclideanGraph(normalize(features.to(wide), dim=1), ranks, progress)
    return nested_dbscan(graph, [(2 - 2 * threshold) ** 0.5], min_samples=1).labels[0]
