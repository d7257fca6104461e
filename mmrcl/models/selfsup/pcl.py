"""The PCL algorithm (Li et al., ICLR 2021)."""

from typing import Any

import torch
from mmpretrain.models.utils import batch_shuffle_ddp, batch_unshuffle_ddp
from mmpretrain.structures import DataSample
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.registry import MODELS

from .base import MomentumQueueSelfSupervisor
from .parts import KeyBatch, keys_of_all_ranks, sample_indices, two_views


@MODELS.register_module()
class PCL(MomentumQueueSelfSupervisor):
    """Prototypical contrastive learning: MoCo, and prototypes of clusters (Algorithm 1).

    The E-step is ``HierarchicalClusteringHook`` with ``refiner=None`` and
    ``recluster_interval=1``: each epoch it clusters the momentum features of all images at several
    granularities. The M-step is this class: each query is contrasted with the queue (InfoNCE) and,
    after the first clustering, with the prototypes (ProtoNCE, Eq. 11).

    Args:
        hierarchy: config of a :class:`PrototypeHierarchy`, which the hook fills.
        momentum: see :class:`MomentumQueueSelfSupervisor`.
        **kwargs: of :class:`QueueSelfSupervisor`. The head is a :class:`ProtoNCEHead`.

    Raises:
        ValueError: if queue and hierarchy differ in width.
    """

    def __init__(self, hierarchy: dict[str, Any], momentum: float = 0.001, **kwargs: Any) -> None:
        super().__init__(momentum=momentum, **kwargs)
        self.hierarchy = MODELS.build(hierarchy)
        self.last_keys: KeyBatch | None = None
        if self.queue.feat_dim != self.hierarchy.feat_dim:
            raise ValueError(
                f'model.queue.feat_dim={self.queue.feat_dim} and model.hierarchy.feat_dim='
                f'{self.hierarchy.feat_dim} are both the width of a key and must be equal'
            )

    def loss(self, inputs: list[Tensor], data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Compute the loss of a batch and update momentum encoder and queue.

        Args:
            inputs: views of query and key, each of shape (N, C, height, width).
            data_samples: N samples that carry ``sample_idx``.

        Returns:
            ``instance_loss`` and, after the first clustering, ``prototype_loss``.

        Raises:
            ValueError: for parts or a pipeline that do not fit, see :mod:`.parts`.
        """
        view_1, view_2 = two_views(inputs, 'PCL')
        indices = sample_indices(data_samples, view_1.device, 'PCL')
        query = normalize(self.project(view_1).float(), dim=1)
        self.update_momentum_encoder()
        with torch.no_grad():
            shuffled, order = batch_shuffle_ddp(view_2)
            key = batch_unshuffle_ddp(self.extract_keys(shuffled), order)
        levels = self.hierarchy.prototypes_of(indices) if self.hierarchy.clustered else []
        losses: dict[str, Tensor] = self.head.loss(query, key, indices, self.queue, levels)
        self.last_keys = keys_of_all_ranks(indices, key)
        self.queue.enqueue(self.last_keys.features, self.last_keys.indices)
        return losses
