"""The k nearest entries of a support queue."""

import torch
from torch import Tensor

from mmrcl.clustering import nearest_neighbors

from ..full_precision import full_precision
from ..memories import SupportQueue


@torch.no_grad()
def nearest_keys(queries: Tensor, queue: SupportQueue, k: int = 1) -> Tensor:
    """Return the k nearest entries of each query, of any image, nearest first.

    If the queue has fewer entries, the query itself fills the missing places.

    Args:
        queries: L2-normalised, shape (N, d).
        queue: the support queue.
        k: number of neighbours.

    Returns:
        L2-normalised features without gradient, shape (N, k, d).
    """

    def filled(rows: slice, columns: slice) -> Tensor:
        return (queue.indices[columns] >= 0)[None]

    with full_precision(queries):
        least = min(k, queue.length)
        product, place = nearest_neighbors(queries, queue.features, least, mask=filled)
    found = (product > -torch.inf)[:, :, None]
    neighbors = torch.where(found, queue.features[place].to(queries), queries[:, None])
    missing = queries[:, None].expand(-1, k - neighbors.shape[1], -1)
    return torch.cat([neighbors, missing], 1)
