"""The MSF algorithm, mean shift (Koohpayegani et al., ICCV 2021)."""

from typing import Any

import torch
from mmengine.model import ExponentialMovingAverage
from mmpretrain.models.selfsup.base import BaseSelfSupervisor
from mmpretrain.structures import DataSample
from torch import Tensor, nn
from torch.nn.functional import normalize

from mmrcl.registry import MODELS

from ..retrievers.nearest import nearest_keys
from .parts import enqueue_of_all_ranks, named_width, project, sample_indices, two_views


@MODELS.register_module()
class MSF(BaseSelfSupervisor):
    """Mean shift: a query comes near to the nearest neighbours of its target (Sect. 3).

    Each step encodes the first view with gradient, the query, and the second one by the momentum
    encoder, the target. The target enters the memory bank before the search, so that it is the
    first of its own k neighbours; with k = 1 this is BYOL in one direction. Queries are the
    strongly augmented views, targets the weakly augmented ones.

    Args:
        backbone: config of the encoder.
        neck: config of the projector, giving a tuple with features of shape (N, d).
        head: config of mmpretrain's ``LatentPredictHead`` with a :class:`MeanShiftLoss`.
        queue: config of a :class:`SupportQueue`, the memory bank.
        num_neighbors: k, neighbours of a target.
        momentum: what the momentum encoder takes over from the encoder at each step, that is
            1 - m: 0.01 for m = 0.99.
        pretrained: as in mmpretrain's BaseSelfSupervisor.
        data_preprocessor: likewise.
        init_cfg: likewise.

    Raises:
        ValueError: if the memory bank holds less than k entries.
    """

    def __init__(
        self,
        backbone: dict[str, Any],
        neck: dict[str, Any],
        head: dict[str, Any],
        queue: dict[str, Any],
        num_neighbors: int = 10,
        momentum: float = 0.01,
        pretrained: str | None = None,
        data_preprocessor: dict[str, Any] | nn.Module | None = None,
        init_cfg: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(
            backbone=backbone,
            neck=neck,
            head=head,
            pretrained=pretrained,
            data_preprocessor=data_preprocessor,
            init_cfg=init_cfg,
        )
        self.momentum_encoder = ExponentialMovingAverage(
            nn.Sequential(self.backbone, self.neck), momentum
        )
        self.queue = MODELS.build(queue)
        self.num_neighbors = num_neighbors
        if not 1 <= num_neighbors <= self.queue.length:
            raise ValueError(
                f'model.num_neighbors={num_neighbors} must be between 1 and '
                f'model.queue.length={self.queue.length}'
            )

    def loss(self, inputs: list[Tensor], data_samples: list[DataSample]) -> dict[str, Tensor]:
        """One step of training.

        Args:
            inputs: strong and weak view, each of shape (N, C, height, width).
            data_samples: N samples that carry ``sample_idx``.

        Returns:
            ``loss``.

        Raises:
            ValueError: for parts or a pipeline that do not fit, see :mod:`.parts`.
        """
        strong, weak = two_views(inputs, 'MSF')
        indices = sample_indices(data_samples, 'MSF').to(strong.device)
        query = project(self.backbone, self.neck, strong, self.queue.feat_dim)
        with torch.no_grad():
            self.momentum_encoder.update_parameters(nn.Sequential(self.backbone, self.neck))
            target = normalize(self.momentum_encoder(weak)[0].float(), dim=1)
        enqueue_of_all_ranks(self.queue, target, indices)
        neighbors = nearest_keys(target, self.queue, self.num_neighbors)
        with named_width('model.head.predictor', query.shape[1]):
            return dict(loss=self.head.loss(query, neighbors))
