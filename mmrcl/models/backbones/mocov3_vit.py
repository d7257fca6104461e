"""MoCo v3's vision transformer for training in several processes."""

from typing import Any

from mmpretrain.models.selfsup import mocov3

from mmrcl.registry import MODELS


@MODELS.register_module()
class MoCoV3ViT(mocov3.MoCoV3ViT):
    """mmpretrain's ``MoCoV3ViT``, with its fixed position embedding frozen from the start.

    mmpretrain freezes it when it initialises the weights. By then ``DistributedDataParallel`` has
    listed it, waits for its gradient, and fails at the second step. With weights of
    ``StrictPretrained`` mmpretrain does not freeze it at all.

    Args:
        **settings: those of mmpretrain's class.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.pos_embed.requires_grad = False
