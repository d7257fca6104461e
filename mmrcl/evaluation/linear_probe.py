"""Multinomial logistic regression on frozen, cached features."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim import LBFGS

from mmrcl.arguments import check_features, check_labels, check_width

__all__ = ['LinearProbe', 'fit_linear_probe']


@dataclass(frozen=True)
class LinearProbe:
    """A linear classifier of raw (not standardised) features.

    Attributes:
        weight: (C, d).
        bias: (C,).
    """

    weight: Tensor
    bias: Tensor

    def predict(self, features: Tensor, block_size: int = 65536) -> Tensor:
        """Classify features, (M, d), block by block; return classes, (M,) int64."""
        features = check_features(features)
        check_width(features, self.weight.shape[1], 'features', 'weight')
        blocks = features.split(block_size)
        return torch.cat([self.logits(block).argmax(dim=1) for block in blocks])

    def logits(self, features: Tensor) -> Tensor:
        """Compute the logits of features, (M, d), for every class, (M, C)."""
        return F.linear(features.to(self.weight), self.weight, self.bias)


def fit_linear_probe(
    features: Tensor,
    labels: Tensor,
    num_classes: int,
    weight_decay: float = 1e-3,
    max_iter: int = 200,
    block_size: int = 65536,
) -> LinearProbe:
    r"""Fit softmax regression by full-batch L-BFGS.

    With z the features, standardised to mean 0 and standard deviation 1 over the
    N training images, it minimises

    .. math::
        \frac{1}{N} \sum_i -\log \mathrm{softmax}(W z_i + b)_{y_i}
        + \frac{\lambda}{2} \lVert W \rVert^2

    which is scikit-learn's ``LogisticRegression`` with :math:`C = 1 / (N \lambda)`.

    The problem is convex, so full-batch L-BFGS with a line search needs no
    learning rate and no random numbers. Loss and gradient are summed over blocks,
    so the memory beyond the features is one block of standardised features and
    logits (at d = 2048, C = 1000: 0.5 and 0.26 GB in float32), and an iteration on
    ImageNet, N = 1.28M, takes 16 TFLOP. Scikit-learn would need the features in
    float64 in main memory, SGD a schedule for every encoder. To estimate the
    result of the usual SGD protocol on images, use
    :func:`~mmrcl.evaluation.sweep_linear_probes`.

    Args:
        features: (N, d), on the device to compute on; half precision is converted
            to float32 block by block.
        labels: Classes, (N,) integers in [0, ``num_classes``).
        num_classes: Number of classes C; classes absent from ``labels`` get low logits.
        weight_decay: lambda, the strength of the L2 penalty. The bias has none.
        max_iter: Maximum number of L-BFGS iterations; it stops earlier when gradient
            or change of the loss are at rounding level.
        block_size: Number of images in a block.

    Returns:
        The classifier, in float64 for float64 features and otherwise in float32.

    Raises:
        ValueError: If a label is outside [0, ``num_classes``).
    """
    features = check_features(features)
    labels = check_classes(labels, num_classes, len(features))
    targets = labels.to(features.device, torch.long)
    mean, deviation = _moments(features, block_size)
    dtype = torch.promote_types(features.dtype, torch.float32)
    weight = torch.zeros(num_classes, features.shape[1], dtype=dtype, device=features.device)
    bias = torch.zeros(num_classes, dtype=dtype, device=features.device)
    optimizer = LBFGS(
        [weight.requires_grad_(), bias.requires_grad_()],
        max_iter=max_iter,
        tolerance_change=torch.finfo(dtype).eps,
        line_search_fn='strong_wolfe',
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = weight_decay / 2 * weight.square().sum()
        loss.backward()
        for x, y in zip(features.split(block_size), targets.split(block_size), strict=True):
            z = (x.to(weight) - mean.to(weight)) / deviation.to(weight)
            part = F.cross_entropy(F.linear(z, weight, bias), y, reduction='sum') / len(features)
            part.backward()
            loss = loss + part.detach()
        return loss

    optimizer.step(closure)
    return _unstandardize(weight.detach(), bias.detach(), mean, deviation)


def check_classes(labels: Tensor, num_classes: int, images: int) -> Tensor:
    """Return the labels as a tensor, or raise a ValueError unless all are in [0, num_classes)."""
    labels = check_labels(labels, rows=images)
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError(
            f'labels span {int(labels.min())} to {int(labels.max())} but num_classes is '
            f'{num_classes}: set num_classes above the largest label'
        )
    return labels


def _moments(features: Tensor, block_size: int) -> tuple[Tensor, Tensor]:
    """Compute mean and standard deviation of each feature; constant features get deviation 1."""
    blocks = features.split(block_size)
    mean = sum(block.double().sum(dim=0) for block in blocks) / len(features)
    variance = sum((block.double() - mean).square().sum(dim=0) for block in blocks) / len(features)
    deviation = variance.sqrt()
    is_constant = deviation <= 1e-8 * mean.abs()
    return mean, deviation.masked_fill(is_constant, 1)


def _unstandardize(weight: Tensor, bias: Tensor, mean: Tensor, deviation: Tensor) -> LinearProbe:
    raw_weight = weight.double() / deviation
    raw_bias = bias.double() - raw_weight @ mean
    return LinearProbe(raw_weight.to(weight), raw_bias.to(bias))
