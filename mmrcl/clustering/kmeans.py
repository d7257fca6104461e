"""K-means by Lloyd's iterations, block by block: the paper's offline source of Table 4."""

import torch
from torch import Tensor

from .neighbors import nearest_neighbors
from .segments import group_rows, segment_mean


def kmeans(
    features: Tensor,
    num_clusters: int,
    seed: int = 0,
    max_iters: int = 20,
    centers: Tensor | None = None,
    block_size: int = 2048,
) -> Tensor:
    """Assigns each point to the nearest of ``num_clusters`` centres.

    Centres start at points drawn from ``seed``; one that loses all its points stays where it is.
    Stops when no label changes.

    Args:
        features: shape (N, d).
        num_clusters: number of centres, 1..N.
        seed: of the draw of the first centres.
        max_iters: bound on the iterations.
        centers: first centres instead of drawn ones, shape (num_clusters, d).
        block_size: points a block of the distance matrix.

    Returns:
        Labels in 0..num_clusters - 1, shape (N,).

    Raises:
        ValueError: for more clusters than points.
    """
    if not 1 <= num_clusters <= len(features):
        raise ValueError(
            f'num_clusters={num_clusters} must be between 1 and the number of images, '
            f'{len(features)}'
        )
    if centers is None:
        drawn = torch.randperm(len(features), generator=torch.Generator().manual_seed(seed))
        centers = features[drawn[:num_clusters].to(features.device)]
    labels = _nearest_center(features, centers, block_size)
    for _ in range(max_iters):
        groups = group_rows(labels)
        centers = centers.index_copy(0, groups.ids, segment_mean(features, groups))
        before, labels = labels, _nearest_center(features, centers, block_size)
        if labels.equal(before):
            break
    return labels


def _nearest_center(features: Tensor, centers: Tensor, block_size: int) -> Tensor:
    # |x - c|^2 is smallest where x . c - |c|^2 / 2 is largest: a product of longer vectors.
    one = features.new_ones(len(features), 1)
    shifted = torch.cat([centers, -centers.square().sum(1, keepdim=True) / 2], 1)
    return nearest_neighbors(torch.cat([features, one], 1), shifted, 1, block_size)[1][:, 0]
