"""The loss of local aggregation (Zhuang et al., ICCV 2019, Sect. 3)."""

import torch
from torch import Tensor, nn

from mmrcl.registry import MODELS


@MODELS.register_module()
class LocalAggregationLoss(nn.Module):
    """How likely a query is one of its close neighbours, among its background neighbours.

    With v the query, v_j the entries of the bank, C its close and B its background neighbours, Eq.
    3 and 4 are ``L = -log P(C and B | v) / P(B | v)``, where P(A | v) is the sum over A of
    ``exp(v_j . v / tau)``, divided by that over the whole bank, which cancels.

    Args:
        temperature: tau.

    Raises:
        ValueError: for a temperature that is not positive.
    """

    def __init__(self, temperature: float = 0.07) -> None:
        super().__init__()
        if temperature <= 0:
            raise ValueError(f'model.head.loss.temperature={temperature} must be above 0')
        self.temperature = temperature

    def forward(self, queries: Tensor, background: Tensor, close: Tensor) -> Tensor:
        """Compute the loss, the mean over queries.

        Args:
            queries: v, L2-normalised, shape (N, d).
            background: entries of the background neighbours, L2-normalised, shape (N, k, d).
            close: which of them are close neighbours, at least one a query, bool, shape (N, k).
        """
        # Not a matrix product, which autocast would take to half precision.
        logits = (queries.float()[:, None] * background.float()).sum(2) / self.temperature
        nearby = logits.masked_fill(~close, -torch.inf)
        return (logits.logsumexp(1) - nearby.logsumexp(1)).mean()
