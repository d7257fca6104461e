"""The AdCo algorithm, adversarial contrast (Hu et al., CVPR 2021)."""

from typing import Any

from mmpretrain.structures import DataSample
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.registry import MODELS

from ..full_precision import full_precision
from .base import MomentumQueueSelfSupervisor
from .parts import two_views


@MODELS.register_module()
class AdCo(MomentumQueueSelfSupervisor):
    """MoCo whose negatives are trained to be mistaken for the query (Sect. 3.2).

    The encoder minimises InfoNCE over the key of the other view and K negatives n_k. The negatives
    maximise it, with a temperature of their own: Eq. 5 moves each towards the queries that its
    probability ``p(n_k|q)`` weighs. One backward pass serves both, because the gradient that
    reaches the negatives is reversed; so any optimiser takes both steps at once.

    Args:
        adversary: config of the head by which the negatives are trained, of the kind of ``head``.
            Its temperature is that of the negatives.
        symmetric: whether both views serve as query; the loss is then the mean of both directions.
        momentum: see :class:`MomentumQueueSelfSupervisor`.
        **kwargs: of :class:`QueueSelfSupervisor`. The head is mmpretrain's ``ContrastiveHead``, the
            queue is :class:`AdversarialNegatives`.
    """

    def __init__(
        self,
        adversary: dict[str, Any],
        symmetric: bool = False,
        momentum: float = 0.001,
        **kwargs: Any,
    ) -> None:
        super().__init__(momentum=momentum, **kwargs)
        self.adversary = MODELS.build(adversary)
        self.symmetric = symmetric

    def loss(self, inputs: list[Tensor], data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Compute the loss of a batch and update the momentum encoder.

        Args:
            inputs: views of query and key, each of shape (N, C, height, width).
            data_samples: N samples; not used.

        Returns:
            ``contrastive_loss``, of the encoder, and ``adversarial_loss``, whose gradient reaches
            the negatives alone, and reversed.

        Raises:
            ValueError: for parts or a pipeline that do not fit, see :mod:`.parts`.
        """
        view_1, view_2 = two_views(inputs, 'AdCo')
        directions = [(view_1, view_2), (view_2, view_1)][: 1 + self.symmetric]
        queries = [normalize(self.project(query).float(), dim=1) for query, _ in directions]
        self.update_momentum_encoder()
        keys = [self.extract_keys(key) for _, key in directions]
        losses = [self._contrast(*pair) for pair in zip(queries, keys, strict=True)]
        contrastive, adversarial = (sum(parts) / len(parts) for parts in zip(*losses, strict=True))
        return dict(contrastive_loss=contrastive, adversarial_loss=adversarial)

    def _contrast(self, queries: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the losses of encoder and negatives, for queries and keys (N, d)."""
        negatives = self.queue()
        with full_precision(queries):
            positive = (queries * keys).sum(1, keepdim=True)
            of_encoder = queries @ negatives.detach().T
            of_negatives = queries.detach() @ reversed_gradient(negatives).T
        return (
            self.head.loss(positive, of_encoder),
            self.adversary.loss(positive.detach(), of_negatives),
        )


def reversed_gradient(values: Tensor) -> Tensor:
    """Return ``values``, of any shape, with the sign of their gradient changed."""
    return 2 * values.detach() - values
