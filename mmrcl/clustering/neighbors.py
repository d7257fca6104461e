"""Nearest neighbours, block by block."""

import torch
from torch import Tensor


def nearest_neighbors(
    queries: Tensor, features: Tensor, k: int, block_size: int = 2048
) -> tuple[Tensor, Tensor]:
    """The k features of largest dot product with each query.

    Args:
        queries: shape (n, d).
        features: shape (N, d), k <= N; of another precision, they are taken to the queries'.
        k: neighbours a query.
        block_size: bound on queries a block and on features a block.

    Returns:
        Products and indices, each of shape (n, k), largest product first.
    """
    found = [_nearest(part, features, k, 8 * block_size) for part in queries.split(block_size)]
    return torch.cat([f[0] for f in found]), torch.cat([f[1] for f in found])


def _nearest(queries: Tensor, features: Tensor, k: int, width: int) -> tuple[Tensor, Tensor]:
    best = queries.new_empty(len(queries), 0)
    index = torch.empty(len(queries), 0, dtype=torch.long, device=queries.device)
    for start in range(0, len(features), width):
        product = queries @ features[start : start + width].to(queries.dtype).T
        value, place = product.topk(min(k, product.shape[1]))
        best, index = torch.cat([best, value], 1), torch.cat([index, place + start], 1)
        best, chosen = best.topk(min(k, best.shape[1]))
        index = index.gather(1, chosen)
    return best, index


def mutual_neighbors(features: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Points that are each among the k nearest of the other, itself included.

    Args:
        features: L2-normalised, shape (N, d).
        k: neighbours looked at.

    Returns:
        Where each point's mutual neighbours start in the second tensor, shape (N + 1,), and all
        of them, point after point.
    """
    nearest = nearest_neighbors(features, features, min(k, len(features)))[1]
    num, width = nearest.shape
    rows = torch.arange(num, device=nearest.device).repeat_interleave(width)
    forward = rows * num + nearest.flatten()
    backward = nearest.flatten() * num + rows
    alone = torch.arange(num, device=nearest.device) * (num + 1)
    mutual = torch.unique(torch.cat([forward[torch.isin(forward, backward)], alone]))
    counts = torch.bincount(mutual // num, minlength=num)
    return torch.cat([counts.new_zeros(1), counts.cumsum(0)]), mutual % num
