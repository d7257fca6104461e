"""Noise-contrastive estimation (Wu et al., CVPR 2018, Sect. 3.2)."""

import math
from typing import Literal

import torch
from mmengine.dist import all_gather
from torch import Tensor, nn
from torch.nn.functional import softplus

from mmrcl.registry import MODELS

from ..full_precision import full_precision


@MODELS.register_module()
class NoiseContrastiveLoss(nn.Module):
    """Tell the feature of the query's image from m features that are noise.

    With s the product of query and feature over the temperature, a feature is the image's with
    probability ``h = exp(s) / (exp(s) + c)``. The loss of a query is ``-log h`` of the positive
    plus the sum of ``-log(1 - h)`` over its m negatives; it is averaged over the queries.

    - ``normalizer='constant'`` is the paper's: ``c = m Z / n``, since noise is uniform over n
      images. ``Z / n`` is the mean of exp(s) over the negatives of the first batch, of all ranks,
      and stays (Eq. 8). It is saved in checkpoints.
    - ``normalizer='query'``: c is the sum of exp(s) over the query's own negatives, and has a
      gradient (PIRL: Misra and van der Maaten, CVPR 2020, Eq. 3 and 4).

    Args:
        temperature: tau.
        normalizer: ``'constant'`` or ``'query'``.

    Raises:
        ValueError: for another normaliser, or a temperature that is not positive.
    """

    log_mean: Tensor

    def __init__(
        self, temperature: float = 0.07, normalizer: Literal['constant', 'query'] = 'constant'
    ) -> None:
        super().__init__()
        if normalizer not in ('constant', 'query'):
            raise ValueError(f"normalizer='{normalizer}' is unknown: use 'constant' or 'query'")
        if temperature <= 0:
            raise ValueError(f'temperature={temperature} must be above 0')
        self.temperature = temperature
        self.normalizer = normalizer
        if normalizer == 'constant':
            # log(Z / n); no batch has been seen while it is that of 0.
            self.register_buffer('log_mean', torch.tensor(-math.inf))

    def forward(self, queries: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
        """Compute the loss of a batch in the precision of the inputs.

        Args:
            queries: L2-normalised, shape (N, d).
            positives: features of the same images, L2-normalised, shape (N, d).
            negatives: features of other images, L2-normalised, shape (N, m, d).
        """
        scaled = queries / self.temperature
        with full_precision(queries):
            own = (scaled * positives).sum(1, keepdim=True)
            others = torch.einsum('nd,nmd->nm', scaled, negatives)
        noise = self._log_noise(others)
        terms = softplus(noise - own) + softplus(others - noise).sum(1, keepdim=True)
        return terms.mean()

    def _log_noise(self, others: Tensor) -> Tensor:
        """Compute log c from the logits of the negatives (N, m); shape (N, 1) or ()."""
        if self.normalizer == 'query':
            return others.logsumexp(1, keepdim=True)
        # exp(s) overflows for temperatures of 0.01 and less.
        log_sums = torch.stack(all_gather(others.detach().logsumexp((0, 1))))
        log_mean = log_sums.logsumexp(0) - math.log(len(log_sums) * others.numel())
        # Without a branch, for which the host would wait for the device.
        self.log_mean.copy_(self.log_mean.where(self.log_mean.isfinite(), log_mean))
        return self.log_mean + math.log(others.shape[1])
