"""The loss of MSF (Koohpayegani et al., ICCV 2021, Sect. 3)."""

from torch import Tensor, nn
from torch.nn.functional import normalize

from mmrcl.registry import MODELS

from .widths import check_widths


@MODELS.register_module()
class MeanShiftLoss(nn.Module):
    """Mean squared distance ``2 - 2 cos`` of a prediction to the neighbours of its target.

    One step along its gradient shifts the prediction towards the mean of the neighbours. There are
    no negatives.
    """

    def forward(self, predictions: Tensor, neighbors: Tensor) -> Tensor:
        """Compute the loss, the mean over queries and neighbours.

        Args:
            predictions: shape (N, d).
            neighbors: shape (N, k, d); gets no gradient.

        Raises:
            ValueError: if they differ in width.
        """
        check_widths(predictions, neighbors)
        queries = normalize(predictions.float(), dim=1)
        keys = normalize(neighbors.detach().float(), dim=2)
        return (2 - 2 * (queries[:, None] * keys).sum(2)).mean()
