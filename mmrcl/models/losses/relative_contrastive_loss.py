"""The relative contrastive loss (Eq. 2 and 3)."""

from typing import Literal

import torch
from torch import Tensor, nn

from mmrcl.registry import MODELS

from .pair_dynamics import PairDynamics
from .streaming_logsumexp import streaming_logsumexp


@MODELS.register_module()
class RelativeContrastiveLoss(nn.Module):
    """Contrasts a query with keys that each criterion judges positive or negative.

    For criterion i, a query and one key z', with I = 1 for a positive pair and 0 for a negative
    one, Eq. 3 is ``L_i = logsumexp(all logits) - I * (q_i . z' / tau)``, whose gradient is Eq. 4.
    It is no probability and can be below zero. Eq. 2 sums it with alpha_i = 1/H; the result is
    averaged over keys and queries. With one criterion and the own view as key it is InfoNCE
    (Eq. 1).

    A pair judged negative has no numerator: read to the letter, it repels the query from the
    whole queue, once more for every key. ``judged_negative='left_out'`` drops such pairs and
    spreads a pair's weight evenly over the criteria that judge it positive; a key from the queue
    still stands in the denominator of the other pairs.

    ``last_pairs`` holds the :class:`PairDynamics` of the last call, without gradient.

    Args:
        temperature: tau.
        judged_negative: ``'literal'``, exact to Eq. 3 and 4, or ``'left_out'``.
    """

    def __init__(
        self,
        temperature: float = 0.1,
        judged_negative: Literal['literal', 'left_out'] = 'literal',
    ) -> None:
        super().__init__()
        if judged_negative not in ('literal', 'left_out'):
            raise ValueError(
                f"judged_negative='{judged_negative}' is unknown: use 'literal' or 'left_out'"
            )
        if temperature <= 0:
            raise ValueError(f'temperature={temperature} must be above 0')
        self.temperature = temperature
        self.judged_negative = judged_negative
        self.last_pairs: PairDynamics | None = None

    def forward(
        self,
        predictions: Tensor,
        keys: Tensor,
        positive: Tensor,
        queue: Tensor,
        query_labels: Tensor,
        entry_labels: Tensor,
        counted: Tensor,
    ) -> dict[str, Tensor]:
        """Loss of a batch, and its parts for the log.

        The denominator leaves out the entries of the queue that carry the query's label, and
        those with label -1.

        Args:
            predictions: q_i, L2-normalised, shape (H, N, d), or (1, N, d) if shared.
            keys: z', L2-normalised, shape (N, R, d).
            positive: verdict of each criterion, shape (N, R, H), bool.
            queue: s_k, L2-normalised, shape (K, d).
            query_labels: shape (1 or H, N).
            entry_labels: shape (1 or H, K).
            counted: whether the denominator over the queue holds the key already, shape
                (N, R, 1 or H), bool.

        Returns:
            ``loss`` with gradient; without: ``positive_part`` and ``negative_part``, the mean of
            L_i over positive and over negative pairs, ``positives_level_i``, the share of pairs
            that criterion i judges positive, ``key_probability``, the mean ``P(z'|q_i)`` (Eq. 5),
            and ``pulled``, the share of pairs with eta' < 0 (Eq. 8).
        """
        criteria = positive.shape[2]
        judged = positive.permute(2, 0, 1)
        scaled = predictions / self.temperature
        if len(query_labels) > 1:
            scaled = scaled.expand(criteria, -1, -1)
        negatives = streaming_logsumexp(scaled, queue, query_labels, entry_labels)[:, :, None]
        # Under autocast the products come in half precision, too coarse for what follows.
        logits = torch.einsum('hnd,nrd->hnr', scaled, keys).to(predictions.dtype)
        total = torch.where(counted.permute(2, 0, 1), negatives, negatives.logaddexp(logits))
        pairs = total - judged * logits
        if self.judged_negative == 'literal':
            weight = torch.full_like(pairs, 1 / criteria)
        else:
            weight = judged.to(pairs) / judged.sum(0).clamp(min=1)
        loss = (weight * pairs).sum(0).mean()
        self.last_pairs = PairDynamics((logits - total).detach().exp(), judged)
        return dict(loss=loss, **self._parts(pairs.detach(), self.last_pairs))

    @staticmethod
    def _parts(pairs: Tensor, dynamics: PairDynamics) -> dict[str, Tensor]:
        judged = dynamics.judged
        shares = judged.float().mean((1, 2))
        return dict(
            positive_part=(pairs * judged).sum() / judged.sum().clamp(min=1),
            negative_part=(pairs * ~judged).sum() / (~judged).sum().clamp(min=1),
            **{f'positives_level_{i}': share for i, share in enumerate(shares, 1)},
            key_probability=dynamics.probability.mean(),
            pulled=(dynamics.eta < 0).float().mean(),
        )
