"""Bases of the algorithms that compare queries with keys of a support queue."""

from typing import Any

import torch
from mmengine.model import ExponentialMovingAverage
from mmpretrain.models.selfsup.base import BaseSelfSupervisor
from torch import Tensor, nn
from torch.nn.functional import normalize

from mmrcl.registry import MODELS

from ..momentum import ForeachEMA
from .parts import named_neck


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
        maps = self.backbone(images)
        with named_neck(self.neck, maps):
            projection: Tensor = self.neck(maps)[0]
        channels, wanted = projection.shape[1], self.queue.feat_dim
        if channels != wanted:
            raise ValueError(
                f'model.neck returns {channels} channels, model.queue holds {wanted}: set '
                f'model.neck.out_channels={wanted}'
            )
        return projection


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
