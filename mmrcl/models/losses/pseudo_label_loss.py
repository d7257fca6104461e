"""Classification of images by their clusters, weighted by cluster size."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from mmrcl.registry import MODELS


@MODELS.register_module()
class PseudoLabelLoss(nn.Module):
    """Cross-entropy of cluster labels, in which large clusters do not outweigh small ones.

    An image of a cluster of n images has the weight n^-power, and the loss is the weighted mean
    over the batch of a process: power 0.5 is ODC's re-weighting (Zhan et al., CVPR 2020, Sect.
    3.2). With 1 each cluster counts the same, as if images were sampled uniformly over clusters
    (DeepCluster, Caron et al., ECCV 2018, Sect. 3.3). 0 weights all images alike.

    Args:
        power: exponent, in [0, 1].

    Raises:
        ValueError: for a power outside of [0, 1].
    """

    def __init__(self, power: float = 0.0) -> None:
        super().__init__()
        if not 0 <= power <= 1:
            raise ValueError(f'model.head.loss.power={power} must be in [0, 1]')
        self.power = power

    def forward(self, scores: Tensor, classes: Tensor, sizes: Tensor) -> Tensor:
        """Compute the loss, the mean over classifiers.

        Args:
            scores: outputs of the L classifiers, shape (L, N, K).
            classes: labels, shape (L, N).
            sizes: number of images of each label, shape (L, N).
        """
        weights = sizes.to(torch.float32) ** -self.power
        weights = weights / weights.sum(1, keepdim=True)
        # (N, K, L): torch has the classes second.
        losses = cross_entropy(scores.float().permute(1, 2, 0), classes.T, reduction='none')
        return (losses.T * weights).sum(1).mean()
