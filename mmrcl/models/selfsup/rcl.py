"""The RCL algorithm (Fig. 2)."""

from collections.abc import Sequence
from typing import Any

import torch
from mmpretrain.models.selfsup.base import BaseSelfSupervisor
from mmpretrain.structures import DataSample
from torch import Tensor, nn
from torch.nn.functional import normalize

from mmrcl.clustering import LabelHierarchy
from mmrcl.registry import MODELS

from ..momentum import ForeachCosineEMA
from ..retrievers import Keys, OwnViewRetriever, RetrievalInput
from .parts import KeyBatch, in_sampling_order, project, sample_indices, two_views


@MODELS.register_module()
class RCL(BaseSelfSupervisor):
    """Relative contrastive learning of two views with a momentum encoder.

    Each step encodes both views, predicts, retrieves keys, compares and enqueues. Both views play
    query, and the loss is the mean of both directions. The key of the second view, the one with
    the lighter blur in BYOL's augmentation, enters the queue after the loss.

    Which keys are retrieved and whether a hierarchy judges them makes the method: with
    ``OwnViewRetriever`` alone and no hierarchy it is MoCo with a queue and a predictor, with
    ``NearestRetriever`` alone it has NNCLR's positive. Without a hierarchy there is one criterion
    and every key is positive.

    Args:
        backbone: config of the encoder.
        neck: config of the projector, giving a tuple with z of shape (N, d).
        head: config of an :class:`RCLHead`.
        queue: config of a :class:`SupportQueue`.
        retrievers: configs of key retrievers; their keys are taken together.
        hierarchy: config of a :class:`mmrcl.clustering.LabelHierarchy`, which
            ``HierarchicalClusteringHook`` fills.
        base_momentum: what the momentum encoder takes over from the encoder at the first step,
            that is 1 - m: 0.01 for m = 0.99. It falls to 0 along a cosine.
        pretrained: as in mmpretrain's BaseSelfSupervisor.
        data_preprocessor: likewise.
        init_cfg: likewise.

    Raises:
        ValueError: for parts that do not fit each other.
    """

    def __init__(
        self,
        backbone: dict[str, Any],
        neck: dict[str, Any],
        head: dict[str, Any],
        queue: dict[str, Any],
        retrievers: Sequence[dict[str, Any]],
        hierarchy: dict[str, Any] | None = None,
        base_momentum: float = 0.01,
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
        self.momentum_encoder = ForeachCosineEMA(
            nn.Sequential(self.backbone, self.neck), momentum=base_momentum
        )
        self.queue = MODELS.build(queue)
        self.retrievers = nn.ModuleList(MODELS.build(retriever) for retriever in retrievers)
        self.hierarchy: LabelHierarchy | None = (
            None if hierarchy is None else MODELS.build(hierarchy)
        )
        self.last_keys: KeyBatch | None = None
        self._check_parts()

    @property
    def num_criteria(self) -> int:
        """H, the number of criteria that judge a key."""
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
                'model.retrievers is empty: name at least dict(type="OwnViewRetriever")'
            )
        if self.head.exclude_mates and self.hierarchy is None:
            raise ValueError(
                'model.head.exclude_mates=True leaves out cluster mates and needs model.hierarchy: '
                'set one, or exclude_mates=False'
            )
        for retriever in self.retrievers:
            if retriever.needs_hierarchy and self.hierarchy is None:
                raise ValueError(
                    f'{type(retriever).__name__} needs model.hierarchy=dict(type="LabelHierarchy", '
                    '...), and HierarchicalClusteringHook in custom_hooks to fill it'
                )

    def loss(self, inputs: list[Tensor], data_samples: list[DataSample]) -> dict[str, Tensor]:
        """One step of training.

        Args:
            inputs: two views, each of shape (N, C, height, width).
            data_samples: N samples that carry ``sample_idx``.

        Returns:
            ``loss``, and for the log the parts that :class:`RelativeContrastiveLoss` gives and
            ``retrieval_hit_rate``, how often a retriever that searches found a key.
        """
        view_1, view_2 = two_views(inputs, 'RCL')
        indices = sample_indices(data_samples, 'RCL').to(view_1.device)
        z_1, z_2 = self.project(view_1), self.project(view_2)
        with torch.no_grad():
            self.momentum_encoder.update_parameters(nn.Sequential(self.backbone, self.neck))
            key_1, key_2 = self.extract_keys(view_1), self.extract_keys(view_2)
        first = self._compare(z_1, key_2, indices)
        second = self._compare(z_2, key_1, indices)
        self._remember(key_1, key_2, indices)
        return {name: (first[name] + second[name]) / 2 for name in first}

    def project(self, images: Tensor) -> Tensor:
        """Projections z of the query branch, shape (N, d), with gradient.

        Raises:
            ValueError: if the neck does not fit the backbone or the key width.
        """
        return project(self.backbone, self.neck, images, self.queue.feat_dim)

    @torch.no_grad()
    def extract_keys(self, images: Tensor) -> Tensor:
        """Projections z-hat' of the momentum encoder, L2-normalised, shape (N, d)."""
        return normalize(self.momentum_encoder(images)[0].float(), dim=1)

    def _compare(self, projection: Tensor, own: Tensor, indices: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            given = RetrievalInput(own, indices, self.queue, self.hierarchy)
            retrieved = [retriever(given) for retriever in self.retrievers]
            keys = Keys(*(torch.cat(parts, 1) for parts in zip(*retrieved, strict=True)))
            positive = self._judge(indices, keys.indices)
            labels, entries = self._labels(indices), self._labels(self.queue.indices)
        losses: dict[str, Tensor] = self.head.loss(
            projection, keys, positive, self.queue.features, labels, entries
        )
        hits = [
            part.found
            for part, retriever in zip(retrieved, self.retrievers, strict=True)
            if not isinstance(retriever, OwnViewRetriever)
        ]
        if hits:
            losses['retrieval_hit_rate'] = torch.cat(hits, 1).float().mean()
        return losses

    @torch.no_grad()
    def _judge(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Whether query images (N,) and key images (N, R) agree at each level, (N, R, H)."""
        if self.hierarchy is None:
            return torch.ones(*keys.shape, 1, dtype=torch.bool, device=keys.device)
        same = self.hierarchy.labels_of(queries)[:, :, None] == self.hierarchy.labels_of(keys)
        return same.permute(1, 2, 0)

    def _labels(self, images: Tensor) -> Tensor:
        """Labels of ``images`` (n,) at all levels, (H, n); -1 where there is no image."""
        if self.hierarchy is None:
            return images[None]
        return self.hierarchy.labels_of(images.clamp(min=0)).masked_fill(images < 0, -1)

    @torch.no_grad()
    def _remember(self, key_1: Tensor, key_2: Tensor, indices: Tensor) -> None:
        """Hands the keys of all ranks to the queue and to whoever reads ``last_keys``."""
        mean = normalize(key_1 + key_2, dim=1)
        both = in_sampling_order(torch.stack([key_2, mean], 1))
        indices = in_sampling_order(indices)
        self.queue.enqueue(both[:, 0], indices)
        self.last_keys = KeyBatch(indices, both[:, 1])
