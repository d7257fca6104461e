"""Bases of the algorithms that compare features with a memory: a support queue or a bank."""

from typing import Any

import torch
from mmengine.model import ExponentialMovingAverage
from mmpretrain.models.selfsup.base import BaseSelfSupervisor
from torch import Tensor, nn
from torch.nn.functional import normalize

from mmrcl.registry import MODELS

from ..momentum import ForeachEMA
from .parts import keys_of_all_ranks, project


class QueueSelfSupervisor(BaseSelfSupervisor):
    """Encoder, projector, head and support queue.

    Args:
        backbone: config of the encoder.
        neck: config of the projector; returns a tuple with z of shape (N, d).
        head: config of the head, which computes the loss.
        queue: config of a :class:`SupportQueue`.
        **kwargs: ``pretrained``, ``data_preprocessor`` and ``init_cfg`` of mmpretrain's
            ``BaseSelfSupervisor``.
    """

    def __init__(
        self,
        backbone: dict[str, Any],
        neck: dict[str, Any],
        head: dict[str, Any],
        queue: dict[str, Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(backbone=backbone, neck=neck, head=head, **kwargs)
        self.queue = MODELS.build(queue)

    def project(self, images: Tensor) -> Tensor:
        """Project images by the query branch: z of shape (N, d), with gradient.

        Raises:
            ValueError: if the neck does not fit the backbone or the queue.
        """
        return project(self.neck, self.backbone(images), self.queue.feat_dim, 'model.queue')


class MomentumQueueSelfSupervisor(QueueSelfSupervisor):
    """A :class:`QueueSelfSupervisor` whose keys come from a momentum encoder.

    Args:
        momentum: the share of the encoder that the momentum encoder takes over at each step, that
            is 1 - m: 0.01 for m = 0.99.
        **kwargs: of :class:`QueueSelfSupervisor`.
    """

    average_type: type[ExponentialMovingAverage] = ForeachEMA

    def __init__(self, *, momentum: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.momentum_encoder = self.average_type(
            nn.Sequential(self.backbone, self.neck), momentum=momentum
        )

    @torch.no_grad()
    def update_momentum_encoder(self) -> None:
        """Move the momentum encoder towards the encoder by one step."""
        self.momentum_encoder.update_parameters(nn.Sequential(self.backbone, self.neck))

    @torch.no_grad()
    def extract_keys(self, images: Tensor) -> Tensor:
        """Project images by the momentum encoder: L2-normalised keys, shape (N, d)."""
        return normalize(self.momentum_encoder(images)[0].float(), dim=1)


class BankSelfSupervisor(BaseSelfSupervisor):
    """Encoder, projector, head and a bank with the feature of each image.

    Args:
        backbone: config of the encoder.
        neck: config of the projector; returns a tuple with z of shape (N, d).
        head: config of a :class:`NoiseContrastiveHead`.
        bank: config of a :class:`FeatureBank`.
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
        super().__init__(backbone=backbone, neck=neck, head=head, **kwargs)
        self.bank = MODELS.build(bank)

    def embed(self, images: Tensor) -> Tensor:
        """Project images: L2-normalised features, shape (N, d), with gradient.

        Raises:
            ValueError: if the neck does not fit the backbone or the bank.
        """
        projection = project(self.neck, self.backbone(images), self.bank.feat_dim, 'model.bank')
        return normalize(projection.float(), dim=1)

    def update_bank(self, indices: Tensor, features: Tensor) -> None:
        """Move the rows of the images ``indices`` (n,) of all ranks towards features (n, d)."""
        found = keys_of_all_ranks(indices, features.detach())
        self.bank.update(found.indices, found.features)
