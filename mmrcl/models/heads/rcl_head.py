"""Head of RCL: predictions of each criterion, compared with the keys."""

from typing import Any

from mmengine.model import BaseModule
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.registry import MODELS

from ..retrievers import Keys


@MODELS.register_module()
class RCLHead(BaseModule):
    """Predictors and the relative contrastive loss (Fig. 2, steps 2 and 3).

    Args:
        predictor: config of a :class:`MultiPredictorNeck`.
        loss: config of a :class:`RelativeContrastiveLoss`.
        exclude_mates: at each level, leave queue entries of the query's own cluster out of the
            denominator. The paper leaves out only those of the query's own image.
        init_cfg: as in mmengine's BaseModule.
    """

    def __init__(
        self,
        predictor: dict[str, Any],
        loss: dict[str, Any],
        exclude_mates: bool = False,
        init_cfg: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.predictor = MODELS.build(predictor)
        self.loss_module = MODELS.build(loss)
        self.exclude_mates = exclude_mates

    def loss(
        self,
        projection: Tensor,
        keys: Keys,
        positive: Tensor,
        queue: Tensor,
        query_labels: Tensor,
        entry_labels: Tensor,
    ) -> dict[str, Tensor]:
        """Loss and its parts; see :class:`RelativeContrastiveLoss`.

        Args:
            projection: z, shape (N, d).
            keys: R keys a query.
            positive: verdict of each criterion on each key, shape (N, R, H).
            queue: features of the support queue, shape (K, d).
            query_labels: labels of the queries at all levels, shape (H, N).
            entry_labels: labels of the queue's entries at all levels, -1 where it is empty, shape
                (H, K).
        """
        predictions = normalize(self.predictor(projection).float(), dim=2)
        counted = keys.in_queue[:, :, None]
        if self.exclude_mates:
            counted = counted & ~positive
        else:
            query_labels, entry_labels = query_labels[:1], entry_labels[:1]
        losses: dict[str, Tensor] = self.loss_module(
            predictions,
            keys.features,
            positive,
            queue.to(predictions),
            query_labels,
            entry_labels,
            counted,
        )
        return losses
