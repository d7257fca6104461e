"""The relative contrastive loss (Eq. 2 and 3)."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from mmrcl.registry import MODELS

from ..full_precision import full_precision
from .pair_dynamics import PairDynamics
from .streaming_logsumexp import streaming_logsumexp


class LossOutput(NamedTuple):
    """What :class:`RelativeContrastiveLoss` returns.

    Attributes:
        losses: ``loss`` with gradient. Without gradient: ``positive_part`` and ``negative_part``,
            the mean of L_i over positive and over negative pairs; ``positives_level_i``, the share
            of pairs that criterion i labels positive; ``key_probability``, the mean
            ``P(z'|q_i)`` (Eq. 5); and ``attracted_fraction``, the share of pairs with eta' < 0
            (Eq. 8).
        pairs: the pairs themselves, without gradient, for hooks that measure them.
    """

    losses: dict[str, Tensor]
    pairs: PairDynamics


@MODELS.register_module()
class RelativeContrastiveLoss(nn.Module):
    """Contrast a query with keys that each criterion labels positive or negative.

    For criterion i, a query and one key z', with I = 1 for a positive pair and 0 for a negative
    one, Eq. 3 is ``L_i = logsumexp(all logits) - I * (q_i . z' / tau)``, whose gradient is Eq. 4.
    L_i is not a negative log-likelihood and may be negative. Eq. 2 sums L_i with weights
    alpha_i = 1/H; the result is averaged over keys and queries. With one criterion and the
    same-image key it is InfoNCE (Eq. 1).

    A negative pair has no numerator, so by Eq. 3 it repels the query from the whole queue, once for
    every key. Two settings beyond the paper drop the terms L_i of negative pairs; a key from the
    queue stays in the denominator of the other pairs. ``negative_pairs='graded'`` keeps the weight
    1/H of the positive terms, so a pair that k criteria label positive weighs k/H, its P_c (Eq. 9).
    ``'ignore'`` spreads the weight of a pair over its positive terms, so every pair with any weighs
    1, whatever its P_c.

    Args:
        temperature: tau.
        negative_pairs: ``'repel'``, exactly Eq. 3 and 4, ``'graded'`` or ``'ignore'``.

    Raises:
        ValueError: for another setting, or a temperature that is not positive.
    """

    def __init__(
        self,
        temperature: float = 0.1,
        negative_pairs: Literal['repel', 'graded', 'ignore'] = 'repel',
    ) -> None:
        super().__init__()
        if negative_pairs not in ('repel', 'graded', 'ignore'):
            raise ValueError(
                f"negative_pairs='{negative_pairs}' is unknown: use 'repel', 'graded' or 'ignore'"
            )
        if temperature <= 0:
            raise ValueError(f'temperature={temperature} must be above 0')
        self.temperature = temperature
        self.negative_pairs = negative_pairs

    def forward(
        self,
        *,
        predictions: Tensor,
        keys: Tensor,
        positive_mask: Tensor,
        queue: Tensor,
        query_labels: Tensor,
        entry_labels: Tensor,
        key_in_denominator: Tensor,
    ) -> LossOutput:
        """Compute the loss of a batch, and its parts for the log, in the precision of the inputs.

        The denominator excludes the entries of the queue that carry the query's label, and those
        with label -1.

        Args:
            predictions: q_i, L2-normalised, shape (H, N, d), or (1, N, d) if shared.
            keys: z', L2-normalised, shape (N, R, d).
            positive_mask: I, whether criterion i labels the pair positive, shape (N, R, H), bool.
            queue: s_k, L2-normalised, shape (K, d).
            query_labels: shape (1 or H, N).
            entry_labels: shape (1 or H, K).
            key_in_denominator: whether the sum over the queue contains the key already, shape
                (N, R, 1 or H), bool.
        """
        criteria = positive_mask.shape[2]
        positive = positive_mask.permute(2, 0, 1)
        scaled = predictions / self.temperature
        if len(query_labels) > 1:
            scaled = scaled.expand(criteria, -1, -1)
        with full_precision(predictions):
            negatives = streaming_logsumexp(scaled, queue, query_labels, entry_labels)[:, :, None]
            logits = torch.einsum('hnd,nrd->hnr', scaled, keys)
        total = torch.where(
            key_in_denominator.permute(2, 0, 1), negatives, negatives.logaddexp(logits)
        )
        pair_losses = total - positive * logits
        loss = (self._weights(positive.to(pair_losses)) * pair_losses).sum(0).mean()
        pairs = PairDynamics((logits - total).detach().exp(), positive)
        return LossOutput(dict(loss=loss, **_parts(pair_losses.detach(), pairs)), pairs)

    def _weights(self, positive: Tensor) -> Tensor:
        """Weigh the terms L_i of each pair, from I (H, N, R) as numbers; same shape."""
        if self.negative_pairs == 'repel':
            return torch.full_like(positive, 1 / len(positive))
        if self.negative_pairs == 'graded':
            return positive / len(positive)
        return positive / positive.sum(0).clamp(min=1)


def _parts(pair_losses: Tensor, pairs: PairDynamics) -> dict[str, Tensor]:
    positive = pairs.positive_mask
    shares = positive.float().mean((1, 2))
    return dict(
        positive_part=(pair_losses * positive).sum() / positive.sum().clamp(min=1),
        negative_part=(pair_losses * ~positive).sum() / (~positive).sum().clamp(min=1),
        **{f'positives_level_{i}': share for i, share in enumerate(shares, 1)},
        key_probability=pairs.probability.mean(),
        attracted_fraction=(pairs.eta < 0).float().mean(),
    )
