"""Projector of the patches of a jigsaw (Misra and van der Maaten, CVPR 2020, Sect. 2.3)."""

from collections.abc import Sequence
from typing import Any

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmrcl.registry import MODELS


@MODELS.register_module()
class JigsawNeck(BaseModule):
    """Pool and project each patch, concatenate the patches of an image, and project again.

    Args:
        in_channels: width of the backbone's maps.
        out_channels: d, width of both projections.
        num_patches: P, patches of an image.
        init_cfg: as in mmengine's BaseModule.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int = 128,
        num_patches: int = 9,
        init_cfg: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.out_channels = out_channels
        self.num_patches = num_patches
        self.patch_fc = nn.Linear(in_channels, out_channels)
        self.image_fc = nn.Linear(num_patches * out_channels, out_channels)

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor]:
        """Project the last maps (N * P, C, h, w), patch by patch of an image: a tuple of (N, d)."""
        patches = self.patch_fc(maps[-1].mean((2, 3)))
        return (self.image_fc(patches.view(-1, self.num_patches * self.out_channels)),)
