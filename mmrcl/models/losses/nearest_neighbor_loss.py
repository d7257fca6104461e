"""The loss of NNCLR (Dwibedi et al., ICCV 2021, Eq. 3 and its symmetric counterpart)."""

import torch
from mmengine.dist import all_gather, get_rank, get_world_size
from torch import Tensor, nn
from torch.distributed.nn.functional import all_gather as all_gather_with_gradient
from torch.nn.functional import cross_entropy, normalize

from mmrcl.registry import MODELS

from ..full_precision import full_precision
from .widths import check_widths


@MODELS.register_module()
class NearestNeighborLoss(nn.Module):
    """InfoNCE between nearest neighbours and predictions of a batch, in both directions.

    With n_i the neighbour found for image i from one view and p_i its prediction from the other,
    both L2-normalised, Eq. 3 is ``-log(exp(n_i . p_i / tau) / sum_k exp(n_i . p_k / tau))``. The
    symmetric term sums over the neighbours n_k instead; the loss is the mean of both. The batch is
    that of all ranks, and gradients flow into the predictions of all ranks.

    Args:
        temperature: tau.

    Raises:
        ValueError: for a temperature that is not positive.
    """

    def __init__(self, temperature: float = 0.1) -> None:
        super().__init__()
        if temperature <= 0:
            raise ValueError(f'model.head.loss.temperature={temperature} must be above 0')
        self.temperature = temperature

    def forward(self, predictions: Tensor, neighbors: Tensor) -> Tensor:
        """Compute the mean loss over the images of this rank.

        Args:
            predictions: p, shape (N, d).
            neighbors: n, shape (N, d); gets no gradient.

        Raises:
            ValueError: if they differ in width.
        """
        check_widths(predictions, neighbors)
        predictions = normalize(predictions.float(), dim=1)
        neighbors = normalize(neighbors.detach().float(), dim=1)
        all_predictions = torch.cat(_gather(predictions))
        all_neighbors = torch.cat(all_gather(neighbors))
        # Ranks are concatenated, so the targets of this rank start after those of lower ranks.
        targets = torch.arange(len(predictions), device=predictions.device)
        targets = targets + get_rank() * len(predictions)
        of_neighbor = cross_entropy(self._logits(neighbors, all_predictions), targets)
        of_prediction = cross_entropy(self._logits(predictions, all_neighbors), targets)
        return (of_neighbor + of_prediction) / 2

    def _logits(self, queries: Tensor, keys: Tensor) -> Tensor:
        with full_precision(queries):
            return queries @ keys.T / self.temperature


def _gather(features: Tensor) -> tuple[Tensor, ...]:
    if get_world_size() == 1:
        return (features,)
    gathered: tuple[Tensor, ...] = all_gather_with_gradient(features)
    return gathered
