"""The feature bank: one vector for each image of the data set (Wu et al., CVPR 2018, Sect. 3)."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from mmrcl.clustering import mean_by_index
from mmrcl.registry import MODELS


@MODELS.register_module()
class FeatureBank(nn.Module):
    """A moving average of the features of each image, by dataset index.

    All state is in a buffer and saved in checkpoints, at 4 bytes a number: 656 MB for 1,281,167
    images and d = 128. The rows start as random unit vectors. mmengine sends those of the first
    process to all others.

    Rows are overwritten in place, before the backward pass of the step. A loss must not keep
    ``features`` for its backward pass; rows taken by index are copies. With gradient accumulation
    the rows of a batch change at its end, not at that of the step.

    Args:
        length: n, the number of images.
        feat_dim: d, length of a feature.
        momentum: the share of the old row that stays at an update, 0 to replace it.

    Raises:
        ValueError: for a length below 2, or a momentum that is no share.
    """

    features: Tensor

    def __init__(self, length: int, feat_dim: int = 128, momentum: float = 0.5) -> None:
        super().__init__()
        if length < 2:
            raise ValueError(f'model.bank.length={length} must be at least 2')
        if not 0 <= momentum < 1:
            raise ValueError(f'model.bank.momentum={momentum} must be at least 0 and below 1')
        self.length = length
        self.feat_dim = feat_dim
        self.momentum = momentum
        self.register_buffer('features', normalize(torch.randn(length, feat_dim), dim=1))

    def check(self, images: int) -> None:
        """Raise ValueError if a data set of so many images does not fit."""
        if images > self.length:
            raise ValueError(
                f'model.bank.length={self.length} is too short for {images} training images: set '
                f'model.bank.length={images}, the number of images'
            )

    @torch.no_grad()
    def update(self, indices: Tensor, features: Tensor) -> None:
        """Move the rows of a batch of all ranks towards its features, and normalise them.

        An image that occurs more than once, such as the padding of a distributed sampler, counts
        with the mean of its features.

        Args:
            indices: images, below ``length``, shape (n,).
            features: L2-normalised, shape (n, d).
        """
        images, new = mean_by_index(indices, features.to(self.features))
        moved = self.features[images].lerp(new, 1 - self.momentum)
        # In place: DistributedDataParallel keeps the buffers that it was given.
        self.features.index_copy_(0, images, normalize(moved, dim=1))

    def sample_others(self, indices: Tensor, count: int) -> Tensor:
        """Draw ``count`` images for each of ``indices`` (n,), never itself: rows (n, count, d).

        The numbers come from torch's generator of the device, which the training loop seeds by
        (seed, iteration, rank).
        """
        steps = torch.randint(1, self.length, (len(indices), count), device=indices.device)
        return self.features[(indices[:, None] + steps) % self.length]

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        saved = state_dict.get(prefix + 'features')
        if saved is not None and saved.shape != self.features.shape:
            length, width = saved.shape
            raise ValueError(
                f'the checkpoint holds a bank of {length} rows of {width} numbers, this run has '
                f'model.bank.length={self.length} and model.bank.feat_dim={self.feat_dim}: resume '
                'with the data set and model.bank of the checkpoint, or start again from its '
                'backbone by model.backbone.init_cfg=dict(type="mmrcl.StrictPretrained", '
                'checkpoint=...)'
            )
        super()._load_from_state_dict(state_dict, prefix, *args)

    def extra_repr(self) -> str:
        """Describe the module in ``print(model)``."""
        return f'length={self.length}, feat_dim={self.feat_dim}, momentum={self.momentum}'
