"""The InstDisc algorithm, non-parametric instance discrimination (Wu et al., CVPR 2018)."""

from typing import Any

from mmpretrain.structures import DataSample
from torch import Tensor

from mmrcl.registry import MODELS

from .base import BankSelfSupervisor
from .parts import one_view, sample_indices


@MODELS.register_module()
class InstDisc(BankSelfSupervisor):
    """Non-parametric instance discrimination with a bank of all images and one view.

    Each step contrasts the feature v of a view with the bank's row of its image and with rows of
    others, by noise-contrastive estimation, and holds v near the row (Sect. 3.3, Eq. 10). Then v
    enters the row.

    Args:
        proximal_weight: lambda, of the squared distance between v and the row; 0 for none.
        **kwargs: of :class:`BankSelfSupervisor`.

    Raises:
        ValueError: if the weight is negative.
    """

    def __init__(self, proximal_weight: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if proximal_weight < 0:
            raise ValueError(f'model.proximal_weight={proximal_weight} must be at least 0')
        self.proximal_weight = proximal_weight

    def loss(self, inputs: list[Tensor], data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Compute the loss of a batch and update the bank.

        Args:
            inputs: one view, shape (N, C, height, width).
            data_samples: N samples that carry ``sample_idx``.

        Returns:
            ``nce_loss`` and ``proximal_loss``, which mmengine sums.

        Raises:
            ValueError: for parts or a pipeline that do not fit, see :mod:`.parts`.
        """
        view = one_view(inputs, 'InstDisc')
        indices = sample_indices(data_samples, view.device, 'InstDisc')
        feature = self.embed(view)
        nce_loss = self.head.loss(feature, indices, self.bank)
        distance = (feature - self.bank.features[indices]).square().sum(1).mean()
        self.update_bank(indices, feature)
        return dict(nce_loss=nce_loss, proximal_loss=self.proximal_weight * distance)
