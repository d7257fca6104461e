"""The loss of CPC, InfoNCE over patches (Hénaff et al., ICML 2020, Eq. 2)."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from mmrcl.registry import MODELS

from ..full_precision import full_precision


@MODELS.register_module()
class PatchPredictionLoss(nn.Module):
    """Find the patch that was predicted among all patches of the batch.

    With z_l the targets, ``-log(exp(p . z) / sum_l exp(p . z_l))`` for the prediction p of the
    target z. The sum is over all patches of all images of this rank, the predicted one included.

    Args:
        scale: factor of the predictions.

    Raises:
        ValueError: for a scale that is not positive.
    """

    def __init__(self, scale: float = 0.1) -> None:
        super().__init__()
        if scale <= 0:
            raise ValueError(f'model.head.loss.scale={scale} must be above 0')
        self.scale = scale

    def forward(self, predictions: Tensor, targets: Tensor) -> Tensor:
        """Compute the loss, the mean over predictions.

        Args:
            predictions: of the last rows of the targets, in order, shape (N, d, rows - k, columns).
            targets: z, shape (N, d, rows, columns); gets a gradient too.
        """
        count, _, rows, columns = targets.shape
        with full_precision(targets):
            logits = _vectors(self.scale * predictions.float()) @ _vectors(targets.float()).T
        places = torch.arange(len(logits.T), device=logits.device).view(count, rows, columns)
        return cross_entropy(logits, places[:, -predictions.shape[2] :].flatten())


def _vectors(grids: Tensor) -> Tensor:
    """Return the vectors of all places, from (N, d, rows, columns) to (N rows columns, d)."""
    return grids.movedim(1, 3).flatten(0, 2)
