"""Head of PCL: instance discrimination with the queue, and classification of prototypes."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmrcl.registry import MODELS

from ..memories import Prototypes, SupportQueue


@MODELS.register_module()
class ProtoNCEHead(BaseModule):
    """ProtoNCE (Li et al., ICLR 2021, Eq. 11): InfoNCE and the prototypical loss, added.

    Args:
        instance_loss: config of a :class:`RelativeContrastiveLoss`, which is InfoNCE here: one
            criterion, the same-image key.
        prototype_loss: config of a :class:`PrototypicalLoss`.
        init_cfg: as in mmengine's BaseModule.
    """

    def __init__(
        self,
        instance_loss: dict[str, Any],
        prototype_loss: dict[str, Any],
        init_cfg: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.instance_loss = MODELS.build(instance_loss)
        self.prototype_loss = MODELS.build(prototype_loss)

    def loss(
        self,
        queries: Tensor,
        keys: Tensor,
        indices: Tensor,
        queue: SupportQueue,
        levels: Sequence[Prototypes],
    ) -> dict[str, Tensor]:
        """Compute the parts of the loss, which mmengine sums.

        Args:
            queries: v, L2-normalised, shape (N, d).
            keys: v', of the momentum encoder, L2-normalised, shape (N, d).
            indices: images, shape (N,).
            queue: negatives; entries of the query's image are excluded.
            levels: prototypes of each granularity; empty before the first clustering.
        """
        positive = torch.ones(len(keys), 1, 1, dtype=torch.bool, device=keys.device)
        output = self.instance_loss(
            predictions=queries[None],
            keys=keys[:, None],
            positive_mask=positive,
            queue=queue.features.to(queries),
            query_labels=indices[None],
            entry_labels=queue.indices[None],
            key_in_denominator=~positive,
        )
        losses = dict(instance_loss=output.losses['loss'])
        if levels:
            losses['prototype_loss'] = self.prototype_loss(queries, levels)
        return losses
