"""Training signal annealing (Xie et al., UDA, NeurIPS 2020)."""

from collections.abc import Callable, Mapping
from math import exp
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from mmrcl.registry import MODELS

from ..training_share import share_done

_SCHEDULES: Mapping[str, Callable[[float], float]] = {
    'linear': lambda share: share,
    'log': lambda share: 1 - exp(-5 * share),
    'exp': lambda share: exp(5 * (share - 1)),
}


@MODELS.register_module()
class AnnealedCrossEntropyLoss(nn.Module):
    """Cross-entropy of the images whose class is not yet predicted with confidence.

    At the share t of the training an image is left out if the probability of its class is above
    ``eta(t) = alpha(t) (1 - 1 / K) + 1 / K``, for K classes. So few labels are not overfitted while
    unlabelled images have taught little. It is the ``loss`` of a classification head.

    Args:
        schedule: alpha(t): ``'linear'``, t; ``'log'``, ``1 - exp(-5 t)``; ``'exp'``,
            ``exp(5 (t - 1))``, which lets images in latest.

    Raises:
        ValueError: for another schedule.
    """

    def __init__(self, schedule: str = 'linear') -> None:
        super().__init__()
        if schedule not in _SCHEDULES:
            raise ValueError(
                f'model.head.loss.schedule={schedule!r} must be one of {", ".join(_SCHEDULES)}'
            )
        self.schedule = schedule

    def forward(self, logits: Tensor, classes: Tensor, **_: Any) -> Tensor:
        """Compute the mean loss of the images that are not left out, 0 if there are none.

        Args:
            logits: shape (N, K).
            classes: shape (N,).
        """
        losses = cross_entropy(logits, classes, reduction='none')
        threshold = self.threshold(share_done(), logits.shape[1])
        kept = ((-losses.detach()).exp() <= threshold).to(losses)
        return (kept * losses).sum() / kept.sum().clamp(min=1)

    def threshold(self, share: float, classes: int) -> float:
        """Return eta for a share of the training and a number of classes."""
        return _SCHEDULES[self.schedule](share) * (1 - 1 / classes) + 1 / classes
