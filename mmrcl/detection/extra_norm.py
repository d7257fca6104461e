"""The last stage of a C4 detector with a norm layer behind it."""

from typing import Any

from mmcv.cnn import build_norm_layer
from mmdet.models.backbones import ResNet
from mmdet.models.roi_heads.shared_heads import ResLayer
from mmdet.registry import MODELS
from torch import Tensor

__all__ = ['ResLayerExtraNorm']


@MODELS.register_module()
class ResLayerExtraNorm(ResLayer):
    """A stage of a ResNet and a norm layer, ``norm``, of its output.

    As the shared head of a C4 detector it is res5 with the extra norm of MoCo's
    detection benchmark (He et al., CVPR 2020): features of another pretraining
    differ in scale, and the heads behind them are new. No activation follows the
    norm. A checkpoint of the encoder has no such layer, so an initialiser that
    wants all tensors is told by ``new_parts=('norm',)``.

    It maps (N, C, H, W) to (N, C', H / ``stride``, W / ``stride``).

    Args:
        depth: Depth of the ResNet, 18 to 152.
        stage: Which stage it is, 3 for res5.
        norm_eval: Whether batch norm keeps its running statistics in training;
            unlike in ``ResLayer`` it does not unless asked to.
        **kwargs: Further arguments of mmdet's ``ResLayer``.
    """

    def __init__(self, depth: int, stage: int = 3, norm_eval: bool = False, **kwargs: Any) -> None:
        super().__init__(depth, stage=stage, norm_eval=norm_eval, **kwargs)
        block, _ = ResNet.arch_settings[depth]
        self.norm = build_norm_layer(self.norm_cfg, 64 * 2**stage * block.expansion)[1]

    def forward(self, x: Tensor) -> Tensor:
        """Give the normalised output of the stage."""
        return self.norm(super().forward(x))
