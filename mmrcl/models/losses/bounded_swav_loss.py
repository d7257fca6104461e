"""SwAV's loss with scores that stay in the range of float32 (Caron et al., NeurIPS 2020)."""

from typing import Any

from mmpretrain.models.losses import SwAVLoss
from torch import Tensor, nn

from mmrcl.registry import MODELS


@MODELS.register_module()
class BoundedSwAVLoss(SwAVLoss):
    """mmpretrain's ``SwAVLoss`` for an epsilon below 0.012.

    Scores are cosines of features and prototypes, and the Sinkhorn iterations start from
    ``exp(score / epsilon)``, which float32 cannot hold above ``e**88``. Here all scores are lowered
    by 1, their largest value. The iterations divide by the sum of all, and the cross-entropy by
    that of each image, so both stay the same.

    Args:
        **kwargs: those of ``SwAVLoss``. There is no queue.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.prototypes.register_forward_hook(_lowered)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the loss of L2-normalised features (N, d) of all crops.

        Raises:
            ValueError: if ``SwAVHook`` has set a queue, whose scores would not be lowered.
        """
        if self.queue is not None:
            raise ValueError(
                'BoundedSwAVLoss has no queue: set queue_length=0 of SwAVHook, or '
                'model.head.loss.type="SwAVLoss" with an epsilon of at least 0.012'
            )
        loss: Tensor = super().forward(x)
        return loss


def _lowered(module: nn.Module, args: tuple[Tensor, ...], scores: Tensor) -> Tensor:
    return scores - 1
