"""The k nearest entries of a support queue."""

import torch
from torch import Tensor

from mmrcl.clustering import nearest_neighbors

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
    stored = queue.features[queue.indices >= 0].to(queries)
    neighbors = stored[nearest_neighbors(queries, stored, min(k, len(stored)))[1]]
    missing = queries[:, None].expand(-1, k - neighbors.shape[1], -1)
    return torch.cat([neighbors, missing], 1)
