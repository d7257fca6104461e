"""Negatives that are trained against the encoder (Hu et al., CVPR 2021, Sect. 3.2)."""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from mmrcl.registry import MODELS


@MODELS.register_module()
class AdversarialNegatives(nn.Module):
    """Trained negatives in the place of a support queue.

    They are a parameter, so the optimiser trains them, checkpoints hold them, and
    DistributedDataParallel makes those of all ranks equal. They start as random directions. Their
    learning rate is a multiple of the encoder's, by
    ``optim_wrapper.paramwise_cfg.custom_keys.queue.lr_mult``.

    Args:
        length: K, the number of negatives.
        feat_dim: d, length of a feature.

    Raises:
        ValueError: for no negatives.
    """

    features: Tensor

    def __init__(self, length: int, feat_dim: int = 128) -> None:
        super().__init__()
        if length < 1:
            raise ValueError(f'model.queue.length={length} must be at least 1')
        self.length = length
        self.feat_dim = feat_dim
        self.features = nn.Parameter(normalize(torch.randn(length, feat_dim), dim=1))

    def forward(self) -> Tensor:
        """Return the L2-normalised negatives with gradient, shape (K, d)."""
        return normalize(self.features, dim=1)

    def extra_repr(self) -> str:
        """Describe the module in ``print(model)``."""
        return f'length={self.length}, feat_dim={self.feat_dim}'
