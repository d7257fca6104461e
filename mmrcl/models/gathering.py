"""What all processes of a step see."""

import torch
from mmengine.dist import all_gather
from torch import Tensor


def in_sampling_order(shard: Tensor) -> Tensor:
    """The rows of all ranks, in the order in which one process alone would see their images.

    Samplers deal images to the ranks in turn.

    Args:
        shard: rows of this rank, shape (n, ...), n the same on all.

    Returns:
        Rows of all ranks, without gradient, shape (ranks * n, ...).
    """
    return torch.stack(all_gather(shard), 1).flatten(0, 1)
