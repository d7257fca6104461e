"""How typical an image is of its cluster, and the image that stands for each cluster."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.arguments import check_features, check_labels

from .segments import group_rows, segment_mean, segment_min

_ROWS = 1 << 16  # rows compared at a time
_TIE = 1e-6  # both images of a pair are as near to their mean, but for rounding


def paired_cosines(rows: Tensor, table: Tensor, places: Tensor) -> Tensor:
    """Return the cosine of each of ``rows`` (N, d) with ``table[places]``, shape (N,).

    Args:
        rows: L2-normalised, shape (N, d).
        table: L2-normalised, shape (M, d).
        places: row of the table for each of ``rows``, shape (N,).
    """
    parts = zip(rows.split(_ROWS), places.split(_ROWS), strict=True)
    return torch.cat([(part * table[place]).sum(1) for part, place in parts])


def cosine_to_mean(features: Tensor, labels: Tensor) -> Tensor:
    """Return the cosine of each feature with the mean of its cluster, shape (N,).

    Args:
        features: L2-normalised, shape (N, d).
        labels: cluster of each image, any integers, shape (N,).

    Raises:
        ValueError: if the shapes do not fit, there are no features, or one is NaN or Inf.
    """
    features = check_features(features)
    groups = group_rows(check_labels(labels, rows=len(features)))
    means = normalize(segment_mean(features, groups), dim=1).to(features.dtype)
    return paired_cosines(features, means, groups.inverse)


def representatives(features: Tensor, labels: Tensor) -> Tensor:
    """Find for each image the one nearest to the mean of its cluster.

    Of several as near, so of each pair, the smallest index is taken.

    Args:
        features: L2-normalised, shape (N, d).
        labels: cluster of each image, any integers, shape (N,).

    Returns:
        The image that stands for the cluster of each image, shape (N,).

    Raises:
        ValueError: if the shapes do not fit, there are no features, or one is NaN or Inf.
    """
    cosine = cosine_to_mean(features, labels)
    groups = group_rows(check_labels(labels))
    best = cosine.new_full(groups.ids.shape, -torch.inf)
    best.scatter_reduce_(0, groups.inverse, cosine, 'amax')
    images = torch.arange(len(cosine), device=cosine.device)
    nearest = images.where(cosine >= best[groups.inverse] - _TIE, len(images))
    return segment_min(nearest, groups)[groups.inverse]
