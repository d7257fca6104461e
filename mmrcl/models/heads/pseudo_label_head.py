"""Linear classifiers of cluster labels."""

from typing import Any

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmrcl.registry import MODELS


@MODELS.register_module()
class PseudoLabelHead(BaseModule):
    """Linear classifiers, one for each labelling of :class:`PseudoLabels`.

    Args:
        num_classes: K, classes of each labelling.
        in_channels: width of the input.
        loss: config of a :class:`PseudoLabelLoss`.
        num_classifiers: L, number of labellings.
        init_cfg: as in mmengine's BaseModule.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        loss: dict[str, Any],
        num_classifiers: int = 1,
        init_cfg: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.num_classes = num_classes
        self.num_classifiers = num_classifiers
        self.fc = nn.Linear(in_channels, num_classifiers * num_classes)
        self.loss_module = MODELS.build(loss)
        self.reset_classifiers()

    def reset_classifiers(self) -> None:
        """Draw new weights."""
        nn.init.normal_(self.fc.weight, std=0.01)
        nn.init.zeros_(self.fc.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Score features (N, d) by each classifier, shape (L, N, K)."""
        scores: Tensor = self.fc(features).unflatten(1, (self.num_classifiers, self.num_classes))
        return scores.transpose(0, 1)

    def loss(self, features: Tensor, classes: Tensor, sizes: Tensor) -> dict[str, Tensor]:
        """Compute the loss.

        Args:
            features: shape (N, d).
            classes: labels of each labelling, shape (L, N).
            sizes: number of images of each label, shape (L, N).
        """
        return dict(loss=self.loss_module(self(features), classes, sizes))
