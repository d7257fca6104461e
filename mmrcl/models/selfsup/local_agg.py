"""The LocalAgg algorithm, local aggregation (Zhuang et al., ICCV 2019)."""

from typing import Any

import torch
from mmpretrain.models.selfsup.base import BaseSelfSupervisor
from mmpretrain.structures import DataSample
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.registry import MODELS

from .parts import keys_of_all_ranks, one_view, project, sample_indices


@MODELS.register_module()
class LocalAgg(BaseSelfSupervisor):
    """Attract each image to its close neighbours, relative to its background neighbours (Sect. 3).

    The memory bank is that of the hierarchy: a running mean of the features of each image, which
    starts at zero. Each step compares one view of each image with the bank by
    :class:`LocalAggregationHead`, then updates the entries of its images. Between epochs
    ``HierarchicalClusteringHook`` with ``space='bank'`` clusters the bank several times, by a
    ``KMeansSource`` with a seed for each level.

    Args:
        backbone: config of the encoder.
        neck: config of the projector; returns a tuple with z of shape (N, d).
        head: config of a :class:`LocalAggregationHead`.
        hierarchy: config of a :class:`mmrcl.clustering.LabelHierarchy`; ``num_levels`` is the
            number of clusterings and one more.
        **kwargs: ``pretrained``, ``data_preprocessor`` and ``init_cfg`` of mmpretrain's
            ``BaseSelfSupervisor``.
    """

    def __init__(
        self,
        backbone: dict[str, Any],
        neck: dict[str, Any],
        head: dict[str, Any],
        hierarchy: dict[str, Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(backbone=backbone, neck=neck, head=head, **kwargs)
        self.hierarchy = MODELS.build(hierarchy)

    def project(self, images: Tensor) -> Tensor:
        """Return z of images, shape (N, d), with gradient.

        Raises:
            ValueError: if the neck does not fit the backbone or the bank.
        """
        maps = self.backbone(images)
        return project(self.neck, maps, self.hierarchy.feat_dim, 'model.hierarchy')

    @torch.no_grad()
    def extract_keys(self, images: Tensor) -> Tensor:
        """Return the L2-normalised z of images, shape (N, d)."""
        return normalize(self.project(images).float(), dim=1)

    def loss(self, inputs: list[Tensor], data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Compute the loss of a batch and update the bank.

        Args:
            inputs: one view, of shape (N, C, height, width).
            data_samples: N samples that carry ``sample_idx``.

        Returns:
            ``loss``, and after the first clustering for the log the share of background neighbours
            that are close, ``close_fraction``.

        Raises:
            ValueError: for parts or a pipeline that do not fit, see :mod:`.parts`.
        """
        view = one_view(inputs, 'LocalAgg')
        indices = sample_indices(data_samples, view.device, 'LocalAgg')
        query = normalize(self.project(view).float(), dim=1)
        losses: dict[str, Tensor] = self.head.loss(query, indices, self.hierarchy)
        keys = keys_of_all_ranks(indices, query.detach())
        self.hierarchy.update_bank(keys.indices, keys.features)
        return losses
