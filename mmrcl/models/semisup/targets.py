"""Rules that make a target of a classifier's prediction for an unlabelled image."""

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn.functional import one_hot

from mmrcl.registry import MODELS


class Targets(NamedTuple):
    """Targets of N unlabelled images.

    Attributes:
        classes: probabilities of the K classes, shape (N, K).
        weights: weight of each image in the loss, shape (N,).
    """

    classes: Tensor
    weights: Tensor


class _ConfidentTarget(nn.Module):
    def __init__(self, threshold: float) -> None:
        super().__init__()
        if not 0 <= threshold < 1:
            raise ValueError(f'model.target.threshold={threshold} must be at least 0 and below 1')
        self.threshold = threshold

    def forward(self, logits: Tensor) -> Targets:
        """Make targets of predictions.

        Args:
            logits: shape (N, K), without gradient.
        """
        confidence = logits.softmax(1).amax(1)
        return Targets(self._classes(logits), (confidence >= self.threshold).to(confidence))

    def _classes(self, logits: Tensor) -> Tensor:
        raise NotImplementedError


@MODELS.register_module()
class ArgmaxTarget(_ConfidentTarget):
    """The most probable class, of the images whose probability of it reaches a threshold.

    With threshold 0 this is pseudo-labelling (Lee, ICML workshop 2013), otherwise FixMatch (Sohn et
    al., NeurIPS 2020, Eq. 4).

    Args:
        threshold: tau.

    Raises:
        ValueError: for a threshold outside [0, 1).
    """

    def __init__(self, threshold: float = 0.0) -> None:
        super().__init__(threshold)

    def _classes(self, logits: Tensor) -> Tensor:
        return one_hot(logits.argmax(1), logits.shape[1]).to(logits)


@MODELS.register_module()
class SharpenedTarget(_ConfidentTarget):
    """The prediction at a low temperature, of the images that reach a threshold (UDA).

    Xie et al., NeurIPS 2020: the confidence is that of the prediction before it is sharpened. The
    cross-entropy with these targets has the gradient of the paper's KL divergence.

    Args:
        temperature: of the softmax; below 1 sharpens.
        threshold: beta.

    Raises:
        ValueError: for a temperature that is not positive, or a threshold outside [0, 1).
    """

    def __init__(self, temperature: float = 0.4, threshold: float = 0.5) -> None:
        super().__init__(threshold)
        if temperature <= 0:
            raise ValueError(f'model.target.temperature={temperature} must be above 0')
        self.temperature = temperature

    def _classes(self, logits: Tensor) -> Tensor:
        return (logits / self.temperature).softmax(1)
