"""The k nearest entries of a support queue."""

import torch
from torch import Tensor

from ..memories import SupportQueue


@torch.no_grad()
def nearest_keys(queries: Tensor, queue: SupportQueue, k: int = 1) -> Tensor:
    """The k nearest entries of each query, of whatever image, the nearest first.

    A queue that holds fewer gives the query itself instead.

    Args:
        queries: L2-normalised, shape (N, d).
        queue: the support queue.
        k: neighbours wanted.

    Returns:
        L2-normalised features without gradient, shape (N, k, d).
    """
    position, found = nearest_entries(queries, queue.features, queue.indices >= 0, k)
    neighbors = queue.features[position].to(queries)
    return torch.where(found[:, :, None], neighbors, queries[:, None])


def nearest_entries(
    queries: Tensor, entries: Tensor, filled: Tensor, k: int, block_size: int = 1 << 16
) -> tuple[Tensor, Tensor]:
    """Finds for each query the ``k`` filled entries of largest dot product.

    Args:
        queries: shape (n, d).
        entries: shape (K, d).
        filled: entries to look at, shape (K,).
        k: entries wanted, the nearest first.
        block_size: entries compared at a time.

    Returns:
        Positions among the entries (0 where there are too few) and whether one was found, both of
        shape (n, k).
    """
    best = queries.new_full((len(queries), k), -torch.inf)
    position = torch.zeros(best.shape, dtype=torch.long, device=best.device)
    for start in range(0, len(entries), block_size):
        block = slice(start, start + block_size)
        # Under autocast the products come in half precision.
        products = (queries @ entries[block].to(queries).T).to(queries)
        products = products.masked_fill(~filled[block], -torch.inf)
        values, places = products.topk(min(k, products.shape[1]), dim=1)
        best, chosen = torch.cat([best, values], 1).topk(k, dim=1)
        position = torch.cat([position, places + start], 1).gather(1, chosen)
    found = best > -torch.inf
    return position.where(found, 0), found
