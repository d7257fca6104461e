"""Head of RCL: compare the predictions of each criterion with the keys."""

from typing import Any

from mmengine.model import BaseModule
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.registry import MODELS

from ..losses import LossOutput
from ..retrievers import Keys


@MODELS.register_module()
class RCLHead(BaseModule):
    """Predictors and the relative contrastive loss (Fig. 2, steps 2 and 3).

    Args:
        predictor: config of a :class:`MultiPredictorNeck`.
        loss: config of a :class:`RelativeContrastiveLoss`.
        exclude_same_cluster: at each level, exclude queue entries of the query's cluster from the
            denominator. The paper excludes only those of the query's image.
        init_cfg: as in mmengine's BaseModule.
    """

    def __init__(
        self,
        predictor: dict[str, Any],
        loss: dict[str, Any],
        exclude_same_cluster: bool = False,
        init_cfg: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.predictor = MODELS.build(predictor)
        self.loss_module = MODELS.build(loss)
        self.exclude_same_cluster = exclude_same_cluster

    def loss(
        self,
        projection: Tensor,
        keys: Keys,
        positive_mask: Tensor,
        queue: Tensor,
        query_labels: Tensor,
        entry_labels: Tensor,
    ) -> dict[str, Tensor]:
        """Compute the loss and its parts, see :class:`RelativeContrastiveLoss`.

        Args:
            projection: z, shape (N, d).
            keys: R keys a query.
            positive_mask: whether each criterion labels each key positive, shape (N, R, H).
            queue: features of the support queue, shape (K, d).
            query_labels: labels of the queries at all levels, shape (H, N).
            entry_labels: labels of the queue's entries at all levels, -1 where it is empty, shape
                (H, K).
        """
        predictions = normalize(self.predictor(projection).float(), dim=2)
        key_in_denominator = keys.in_queue[:, :, None]
        if self.exclude_same_cluster:
            key_in_denominator = key_in_denominator & ~positive_mask
        else:
            query_labels, entry_labels = query_labels[:1], entry_labels[:1]
        output: LossOutput = self.loss_module(
            predictions=predictions,
            keys=keys.features,
            positive_mask=positive_mask,
            queue=queue.to(predictions),
            query_labels=query_labels,
            entry_labels=entry_labels,
            key_in_denominator=key_in_denominator,
        )
        return output.losses
