"""The prototypical part of ProtoNCE (Li et al., ICLR 2021, Eq. 11)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from mmrcl.registry import MODELS

from ..full_precision import full_precision
from ..memories import Prototypes


@MODELS.register_module()
class PrototypicalLoss(nn.Module):
    """Classification of queries by prototype, averaged over several granularities.

    With v the query, c_j the prototypes of one granularity and phi_j their concentrations:
    ``-log(exp(v . c_s / phi_s) / sum_j exp(v . c_j / phi_j))`` for the prototype c_s of the query's
    cluster, averaged over the granularities. The sum is over all prototypes; the paper samples r
    of them.
    """

    def forward(self, queries: Tensor, levels: Sequence[Prototypes]) -> Tensor:
        """Compute the loss, the mean over queries and granularities.

        Args:
            queries: v, L2-normalised, shape (N, d).
            levels: prototypes of each granularity, with the targets of the N queries.
        """
        return torch.stack([self._level(queries, level) for level in levels]).mean()

    @staticmethod
    def _level(queries: Tensor, level: Prototypes) -> Tensor:
        with full_precision(queries):
            logits = queries @ level.centers.to(queries).T / level.concentrations
        return cross_entropy(logits, level.targets)
