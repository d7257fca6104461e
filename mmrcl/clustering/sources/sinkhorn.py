"""Balanced labels from a classifier's own scores."""

import torch
from torch import Tensor

from mmrcl.arguments import check_features

from ..sharing import Progress, silent

_ELEMENTS = 1 << 24  # scores converted at a time


class SinkhornSource:
    """Labels of equal classes that best fit a classifier's scores (Asano et al., ICLR 2020).

    With P the probabilities of N images and K classes, the labels are the largest elements of
    ``Q = diag(alpha) P^lambda diag(beta)``, whose rows sum to 1/N and columns to 1/K (Eq. 7). Its
    factors come from Sinkhorn-Knopp iterations, here on the logarithm of alpha. As Q is not yet a
    labelling, classes are only about equal.

    Args:
        num_levels: number of classifiers, each labelled for itself.
        sharpness: lambda; the larger, the nearer is Q to the best labelling.
        max_iters: maximum number of iterations.
        tolerance: the iterations stop when the sizes of all classes differ from N / K by less than
            this share of N in sum.

    Raises:
        ValueError: for a number below 1 or a sharpness that is not positive.
    """

    nested = False

    def __init__(
        self,
        num_levels: int = 1,
        sharpness: float = 25.0,
        max_iters: int = 500,
        tolerance: float = 0.01,
    ) -> None:
        if min(num_levels, max_iters) < 1 or sharpness <= 0:
            raise ValueError(
                f'SinkhornSource: num_levels={num_levels} and max_iters={max_iters} must be at '
                f'least 1, sharpness={sharpness} above 0'
            )
        self.num_levels = num_levels
        self.sharpness = sharpness
        self.max_iters = max_iters
        self.tolerance = tolerance

    def __call__(
        self, features: Tensor, classes: Tensor | None = None, progress: Progress = silent
    ) -> Tensor:
        """Label scores of shape (N, num_levels * K), before the softmax: (num_levels, N).

        Raises:
            ValueError: if the width is no multiple of the number of levels.
        """
        scores = check_features(features)
        if scores.shape[1] % self.num_levels:
            raise ValueError(
                f'SinkhornSource: {scores.shape[1]} scores an image are not divided by '
                f'num_levels={self.num_levels}: set model.head.num_classifiers to the same number'
            )
        levels = progress(scores.chunk(self.num_levels, 1), 'Balancing the labels')
        return torch.stack([self._labels(level) for level in levels])

    def _labels(self, scores: Tensor) -> Tensor:
        blocks = scores.split(max(1, _ELEMENTS // scores.shape[1]))
        share = 1 / scores.shape[1]
        alpha = scores.new_zeros(scores.shape[1], dtype=torch.float32)
        for _ in range(self.max_iters):
            # With alpha given, the rows of Q are softmaxes: beta is their denominator.
            sizes = torch.stack([self._logits(block, alpha).softmax(1).sum(0) for block in blocks])
            sizes = sizes.sum(0) / len(scores)
            if (sizes - share).abs().sum() < self.tolerance:
                break
            # A class that no image is near to could have size 0, and comes nearer step by step.
            alpha = alpha + (share / sizes.clamp(min=torch.finfo(sizes.dtype).tiny)).log()
        return torch.cat([self._logits(block, alpha).argmax(1) for block in blocks])

    def _logits(self, scores: Tensor, alpha: Tensor) -> Tensor:
        return self.sharpness * scores.float() + alpha
