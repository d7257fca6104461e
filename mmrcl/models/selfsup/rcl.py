"""The RCL algorithm (Fig. 2)."""

from collections.abc import Sequence
from typing import Any

import torch
from mmpretrain.structures import DataSample
from torch import Tensor, nn
from torch.nn.functional import normalize

from mmrcl.clustering import LabelHierarchy
from mmrcl.registry import MODELS

from ..full_precision import full_precision
from ..momentum import ForeachCosineEMA
from ..retrievers import Keys, RetrievalInput, SameImageRetriever
from .base import MomentumQueueSelfSupervisor
from .parts import KeyBatch, keys_of_all_ranks, sample_indices, two_views


@MODELS.register_module()
class RCL(MomentumQueueSelfSupervisor):
    """Relative contrastive learning of two views with a momentum encoder.

    Each step encodes both views, predicts, retrieves keys, compares and enqueues. Both views serve
    as query, and the loss is the mean of both directions. The key of the second view, the one with
    the lighter blur in BYOL's augmentation, enters the queue after the loss.

    Retrievers and hierarchy determine the method: ``SameImageRetriever`` alone without a hierarchy
    is instance discrimination (MoCo with a queue and a predictor), ``NearestRetriever`` alone has
    NNCLR's positive. Without a hierarchy there is one criterion, which labels every key positive.

    Args:
        retrievers: configs of key retrievers; their keys are concatenated.
        hierarchy: config of a :class:`mmrcl.clustering.LabelHierarchy`, which
            ``HierarchicalClusteringHook`` fills.
        base_momentum: the momentum of :class:`MomentumQueueSelfSupervisor` at the first step. It
            falls to 0 along a cosine.
        **kwargs: of :class:`QueueSelfSupervisor`. The head is an :class:`RCLHead`.

    Raises:
        ValueError: for modules that do not fit each other.
    """

    average_type = ForeachCosineEMA

    def __init__(
        self,
        retrievers: Sequence[dict[str, Any]],
        hierarchy: dict[str, Any] | None = None,
        base_momentum: float = 0.01,
        **kwargs: Any,
    ) -> None:
        super().__init__(momentum=base_momentum, **kwargs)
        self.retrievers = nn.ModuleList(MODELS.build(retriever) for retriever in retrievers)
        self.hierarchy: LabelHierarchy | None = (
            None if hierarchy is None else MODELS.build(hierarchy)
        )
        self.last_keys: KeyBatch | None = None
        self._check_parts()

    @property
    def num_criteria(self) -> int:
        """H, the number of criteria that label a pair."""
        return 1 if self.hierarchy is None else self.hierarchy.num_levels

    def _check_parts(self) -> None:
        predictor = self.head.predictor
        if predictor.num_predictors not in (1, self.num_criteria):
            raise ValueError(
                f'model.head.predictor.num_predictors={predictor.num_predictors} does not fit '
                f'{self.num_criteria} criteria (model.hierarchy.num_levels; 1 without a '
                'hierarchy): set one predictor for each, or 1 for a shared one'
            )
        widths = {
            'model.head.predictor.out_channels': predictor.out_channels,
            'model.head.predictor.in_channels': predictor.in_channels,
            'model.queue.feat_dim': self.queue.feat_dim,
        }
        if self.hierarchy is not None:
            widths['model.hierarchy.feat_dim'] = self.hierarchy.feat_dim
        if len(set(widths.values())) > 1:
            listed = ', '.join(f'{name}={width}' for name, width in widths.items())
            raise ValueError(f'all of these are the width of a key and must be equal: {listed}')
        if not self.retrievers:
            raise ValueError(
                'model.retrievers is empty: set at least dict(type="SameImageRetriever")'
            )
        if self.head.exclude_same_cluster and self.hierarchy is None:
            raise ValueError(
                'model.head.exclude_same_cluster=True needs the labels of '
                'model.hierarchy: set one, or exclude_same_cluster=False'
            )
        for retriever in self.retrievers:
            if retriever.needs_hierarchy and self.hierarchy is None:
                raise ValueError(
                    f'{type(retriever).__name__} needs a hierarchy: set '
                    'model.hierarchy=dict(type="LabelHierarchy", ...), and '
                    'HierarchicalClusteringHook as default_hooks.clustering'
                )

    def loss(self, inputs: list[Tensor], data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Compute the loss of a batch and update momentum encoder and queue.

        Args:
            inputs: two views, each of shape (N, C, height, width).
            data_samples: N samples that carry ``sample_idx``.

        Returns:
            ``loss``, and for the log the parts that :class:`RelativeContrastiveLoss` returns and
            ``retrieval_hit_rate``, the share of searches in which a gallery retriever found a key.
        """
        view_1, view_2 = two_views(inputs, 'RCL')
        indices = sample_indices(data_samples, view_1.device, 'RCL')
        z_1, z_2 = self.project(view_1), self.project(view_2)
        self.update_momentum_encoder()
        key_1, key_2 = self.extract_keys(view_1), self.extract_keys(view_2)
        # Each view has batch norm statistics of its own; all else takes both directions at once.
        predictions = torch.cat([self.head.predict(z_1), self.head.predict(z_2)], 1)
        losses = self._compare(predictions, torch.cat([key_2, key_1]), indices.repeat(2))
        self._remember(key_1, key_2, indices)
        return losses

    def _compare(
        self, predictions: Tensor, same_image: Tensor, indices: Tensor
    ) -> dict[str, Tensor]:
        with torch.no_grad(), full_precision(same_image):
            given = RetrievalInput(same_image, indices, self.queue, self.hierarchy)
            retrieved = [retriever(given) for retriever in self.retrievers]
            keys = Keys(*(torch.cat(parts, 1) for parts in zip(*retrieved, strict=True)))
            positive_mask = self._positive_mask(indices, keys.indices)
            labels, entries = self._labels(indices), self._labels(self.queue.indices)
        losses: dict[str, Tensor] = self.head.loss(
            predictions, keys, positive_mask, self.queue.features, labels, entries
        )
        hits = [
            part.found
            for part, retriever in zip(retrieved, self.retrievers, strict=True)
            if not isinstance(retriever, SameImageRetriever)
        ]
        if hits:
            losses['retrieval_hit_rate'] = torch.cat(hits, 1).float().mean()
        return losses

    @torch.no_grad()
    def _positive_mask(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Return whether queries (N,) and keys (N, R) share a cluster at each level, (N, R, H)."""
        if self.hierarchy is None:
            return torch.ones(*keys.shape, 1, dtype=torch.bool, device=keys.device)
        same = self.hierarchy.labels_of(queries)[:, :, None] == self.hierarchy.labels_of(keys)
        return same.permute(1, 2, 0)

    def _labels(self, images: Tensor) -> Tensor:
        """Return the labels of ``images`` (n,) that exclude entries, (1 or H, n); -1 if empty."""
        if self.hierarchy is None or not self.head.exclude_same_cluster:
            return images[None]
        return self.hierarchy.labels_of(images.clamp(min=0)).masked_fill(images < 0, -1)

    @torch.no_grad()
    def _remember(self, key_1: Tensor, key_2: Tensor, indices: Tensor) -> None:
        """Enqueue the keys of all ranks, and keep them as ``last_keys`` for hooks.

        mmengine's ``train_step`` passes only logged scalars to hooks, so the keys of a step are an
        attribute of the model.
        """
        mean = normalize(key_1 + key_2, dim=1)
        both = keys_of_all_ranks(indices, torch.stack([key_2, mean], 1))
        self.queue.enqueue(both.features[:, 0], both.indices)
        self.last_keys = both._replace(features=both.features[:, 1])
