"""Two encoders, one for each half of an image (Tian et al., ECCV 2020)."""

from collections.abc import Sequence
from typing import Any

import torch
from mmpretrain.models.backbones.base_backbone import BaseBackbone
from torch import Tensor, nn

from mmrcl.registry import MODELS


@MODELS.register_module()
class HalvesBackbone(BaseBackbone):
    """Encode both halves of an image, and concatenate their feature maps.

    To what uses a backbone, such as kNN, linear probe or transfer, it is one of the total width.

    Args:
        halves: config of a module that splits images in two, such as :class:`ColorHalves`.
        encoders: configs of two backbones, one for each half.
        init_cfg: config of the initialisation.

    Raises:
        ValueError: if there are not two encoders.
    """

    def __init__(
        self,
        halves: dict[str, Any],
        encoders: Sequence[dict[str, Any]],
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if len(encoders) != 2:
            raise ValueError(
                f'model.backbone.encoders has {len(encoders)} configs: list two, one for each half'
            )
        self.halves = MODELS.build(halves)
        self.encoders = nn.ModuleList(MODELS.build(encoder) for encoder in encoders)

    def encode_halves(self, images: Tensor) -> list[Tensor]:
        """Return the last feature map of each half, of shapes (N, C_i, h, w)."""
        pairs = zip(self.encoders, self.halves(images), strict=True)
        return [encoder(half)[-1] for encoder, half in pairs]

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """Encode images (N, C, H, W): one map of shape (N, C_1 + C_2, h, w)."""
        return (torch.cat(self.encode_halves(images), 1),)
