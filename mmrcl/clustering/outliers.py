"""Outliers: how near an image's neighbours are, and where a hierarchy first gives it company."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.arguments import check_at_least, check_features, check_levels

from .neighbors import nearest_neighbors
from .segments import group_rows
from .sharing import Progress, silent

_QUERIES = 1 << 11  # queries of a block


def neighbor_similarity(features: Tensor, k: int = 10, progress: Progress = silent) -> Tensor:
    """Average the cosine of each image with its k nearest others; outliers have the smallest.

    It is the outlier score of Angiulli and Pizzuti (PKDD 2002), the sum of the distances to the k
    nearest neighbours, by cosines. An image with up to k - 1 copies can be an outlier.

    Args:
        features: shape (N, d); they are L2-normalised first, half precision in float32.
        k: neighbours of an image; all others if there are fewer.
        progress: progress callback over the blocks of products.

    Returns:
        Mean cosines, shape (N,).

    Raises:
        ValueError: if ``k`` < 1, if there are fewer than two features, or one is NaN or Inf.
    """
    features = check_features(features)
    check_at_least(k, 'k', 1)
    if len(features) < 2:
        raise ValueError('features have one row: an outlier needs others to compare it with')
    wide = torch.promote_types(features.dtype, torch.float32)
    directions = normalize(features.to(wide), dim=1)
    images = torch.arange(len(directions), device=directions.device)
    similarity = directions.new_empty(len(directions))
    for start in progress(range(0, len(directions), _QUERIES), 'Finding neighbours'):
        part = slice(start, start + _QUERIES)
        cosine, _ = nearest_neighbors(
            directions[part], directions, min(k, len(directions) - 1), excluded=images[part]
        )
        similarity[part] = cosine.mean(1)
    return similarity


def company_level(labels: Tensor) -> Tensor:
    """Find the first level of a hierarchy at which each image shares its cluster.

    Args:
        labels: labels of levels 2..H, from fine to coarse, shape (H - 1, N).

    Returns:
        The level, in 2..H, or H + 1 for an image that is alone at all of them, shape (N,).
    """
    labels = check_levels(labels)
    levels = [group_rows(level) for level in labels]
    alone = torch.stack([level.counts[level.inverse] == 1 for level in levels])
    return 2 + alone.long().cumprod(0).sum(0)
