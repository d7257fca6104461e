"""The CMC algorithm, contrastive multiview coding (Tian et al., ECCV 2020)."""

from typing import Any

from mmpretrain.models.selfsup.base import BaseSelfSupervisor
from mmpretrain.structures import DataSample
from torch import Tensor, nn
from torch.nn.functional import normalize

from mmrcl.registry import MODELS

from .parts import keys_of_all_ranks, one_view, project, sample_indices


@MODELS.register_module()
class CMC(BaseSelfSupervisor):
    """Contrast the two halves of an image, each with a bank of the other half's features.

    Each step encodes both halves of one view. The feature of each is contrasted with the other's
    bank by noise-contrastive estimation, and both losses are added (Sect. 3.2). Then the features
    enter the banks of their halves.

    Args:
        backbone: config of a :class:`HalvesBackbone`.
        neck: config of the projector, of which each half has one.
        head: config of a :class:`NoiseContrastiveHead`, of which each half has one.
        bank: config of a :class:`FeatureBank`, of which each half has one.
        **kwargs: as of :class:`QueueSelfSupervisor`.
    """

    def __init__(
        self,
        backbone: dict[str, Any],
        neck: dict[str, Any],
        head: dict[str, Any],
        bank: dict[str, Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(backbone=backbone, **kwargs)
        self.necks, self.heads, self.banks = _pair(neck), _pair(head), _pair(bank)

    def loss(self, inputs: list[Tensor], data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Compute the loss of a batch and update the banks.

        Args:
            inputs: one view, shape (N, C, height, width).
            data_samples: N samples that carry ``sample_idx``.

        Returns:
            ``first_loss`` and ``second_loss``, of the queries of each half, which mmengine sums.

        Raises:
            ValueError: for parts or a pipeline that do not fit, see :mod:`.parts`.
        """
        view = one_view(inputs, 'CMC')
        indices = sample_indices(data_samples, view.device, 'CMC')
        first, second = self.embed(view)
        losses = dict(
            first_loss=self.heads[0].loss(first, indices, self.banks[1]),
            second_loss=self.heads[1].loss(second, indices, self.banks[0]),
        )
        for bank, feature in zip(self.banks, (first, second), strict=True):
            found = keys_of_all_ranks(indices, feature.detach())
            bank.update(found.indices, found.features)
        return losses

    def embed(self, images: Tensor) -> list[Tensor]:
        """Project both halves: L2-normalised features, each of shape (N, d), with gradient.

        Raises:
            ValueError: if the necks do not fit the encoders or the banks.
        """
        halves = zip(self.necks, self.backbone.encode_halves(images), self.banks, strict=True)
        return [
            normalize(project(neck, (maps,), bank.feat_dim, 'model.bank').float(), dim=1)
            for neck, maps, bank in halves
        ]


def _pair(config: dict[str, Any]) -> Any:  # of modules whose classes the config sets
    return nn.ModuleList(MODELS.build(config) for _ in range(2))
