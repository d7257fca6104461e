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

    def predict(self, projection: Tensor) -> Tensor:
        """Predict from z (N, d) for each criterion: L2-normalised, shape (1 or H, N, d)."""
        return normalize(self.predictor(projection).float(), dim=2)

    def loss(
        self,
        predictions: Tensor,
        keys: Keys,
        positive_mask: Tensor,
        queue: Tensor,
        query_labels: Tensor,
        entry_labels: Tensor,
    ) -> dict[str, Tensor]:
        """Compute the loss and its parts, see :class:`RelativeContrastiveLoss`.

        Args:
            predictions: q_i, see :meth:`predict`.
            keys: R keys a query.
            positive_mask: whether each criterion labels each key positive, shape (N, R, H).
            queue: features of the support queue, shape (K, d).
            query_labels: labels of the queries, shape (1, N); at all levels, (H, N), with
                ``exclude_same_cluster``.
            entry_labels: those of the queue's entries, -1 where it is empty, shape (1 or H, K).
        """
        key_in_denominator = keys.in_queue[:, :, None]
        if self.exclude_same_cluster:
            key_in_denominator = key_in_denominator & ~positive_mask
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
