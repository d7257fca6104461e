"""Head of InstDisc, PIRL and CMC: contrast features with the rows of a feature bank."""

from typing import Any

from mmengine.model import BaseModule
from torch import Tensor

from mmrcl.registry import MODELS

from ..memories import FeatureBank


@MODELS.register_module()
class NoiseContrastiveHead(BaseModule):
    """Contrast each query with the row of its image and rows of other images, drawn at random.

    The rows of a batch of N take ``4 N num_negatives d`` bytes until the backward pass.

    Args:
        num_negatives: m, rows drawn for each query; its own image is never among them.
        loss: config of a :class:`NoiseContrastiveLoss`.
        init_cfg: as in mmengine's BaseModule.

    Raises:
        ValueError: if there are no negatives.
    """

    def __init__(
        self,
        num_negatives: int,
        loss: dict[str, Any],
        init_cfg: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if num_negatives < 1:
            raise ValueError(f'model.head.num_negatives={num_negatives} must be at least 1')
        self.num_negatives = num_negatives
        self.loss_module = MODELS.build(loss)

    def loss(self, queries: Tensor, indices: Tensor, bank: FeatureBank) -> Tensor:
        """Compute the loss of a batch.

        Args:
            queries: L2-normalised, shape (N, d).
            indices: images, shape (N,).
            bank: the features to contrast with, before the update by this batch.
        """
        negatives = bank.sample_others(indices, self.num_negatives)
        loss: Tensor = self.loss_module(queries, bank.features[indices], negatives)
        return loss
