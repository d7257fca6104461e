"""Head of LocalAgg: neighbours of a query in the bank, and the loss over them."""

from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmrcl.clustering import LabelHierarchy, nearest_neighbors
from mmrcl.registry import MODELS

from ..full_precision import full_precision
from ..losses import streaming_logsumexp


@MODELS.register_module()
class LocalAggregationHead(BaseModule):
    """Instance recognition, then local aggregation (Zhuang et al., ICCV 2019, Sect. 3).

    The background neighbours of a query are the k nearest entries of the bank, its own among them.
    The close neighbours are those of them that are in the query's cluster at any level of the
    hierarchy; the levels are clusterings of one granularity from different draws. Before the first
    clustering the query recognises its own entry among all: the softmax of Wu et al. (CVPR 2018),
    over the whole bank.

    Args:
        loss: config of a :class:`LocalAggregationLoss`.
        num_background: k; all images if there are fewer.
        init_cfg: as in mmengine's BaseModule.

    Raises:
        ValueError: for k below 2.
    """

    def __init__(
        self,
        loss: dict[str, Any],
        num_background: int = 4096,
        init_cfg: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if num_background < 2:
            raise ValueError(f'model.head.num_background={num_background} must be at least 2')
        self.loss_module = MODELS.build(loss)
        self.num_background = num_background

    def loss(
        self, queries: Tensor, indices: Tensor, hierarchy: LabelHierarchy
    ) -> dict[str, Tensor]:
        """Compute the loss, and after the first clustering the share of close neighbours.

        Args:
            queries: v, L2-normalised, shape (N, d).
            indices: images, shape (N,).
            hierarchy: bank and labels.
        """
        if not hierarchy.clustered:
            return dict(loss=self._recognition(queries, indices, hierarchy.bank))
        images = self.background(queries.detach(), indices, hierarchy.bank)
        labels = hierarchy.labels
        close = (labels[:, images] == labels[:, indices, None]).any(0)
        loss = self.loss_module(queries, hierarchy.bank[images], close)
        return dict(loss=loss, close_fraction=close.float().mean())

    def _recognition(self, queries: Tensor, indices: Tensor, bank: Tensor) -> Tensor:
        queries = queries / self.loss_module.temperature
        own = (queries * bank[indices]).sum(1)
        rows, entries = (indices.new_full((1, len(part)), -1) for part in (queries, bank))
        with full_precision(queries):
            total = streaming_logsumexp(queries[None], bank, rows, entries + 1)[0]
        return (total - own).mean()

    @torch.no_grad()
    def background(self, queries: Tensor, indices: Tensor, bank: Tensor) -> Tensor:
        """Return the background neighbours of queries (N, d), their own entries first, (N, k)."""
        others = min(self.num_background, len(bank)) - 1
        with full_precision(queries):
            _, images = nearest_neighbors(queries, bank, others, excluded=indices)
        return torch.cat([indices[:, None], images], 1)
