"""The MSF algorithm, mean shift (Koohpayegani et al., ICCV 2021)."""

from typing import Any

from mmpretrain.structures import DataSample
from torch import Tensor

from mmrcl.registry import MODELS

from ..retrievers.nearest import nearest_keys
from .base import MomentumQueueSelfSupervisor
from .parts import keys_of_all_ranks, named_width, sample_indices, two_views


@MODELS.register_module()
class MSF(MomentumQueueSelfSupervisor):
    """Mean shift: a query is attracted to the nearest neighbours of its target (Sect. 3).

    Each step encodes the first view with gradient, the query, and the second one by the momentum
    encoder, the target. The target enters the memory bank before the search, so that it is the
    first of its own k neighbours; with k = 1 this is BYOL in one direction. Queries are strongly
    augmented views. Targets are weakly augmented ones (MSF w/s), or strongly too (plain MSF).

    Args:
        num_neighbors: k, neighbours of a target.
        momentum: see :class:`MomentumQueueSelfSupervisor`.
        **kwargs: of :class:`QueueSelfSupervisor`. The head is mmpretrain's ``LatentPredictHead``
            with a :class:`MeanShiftLoss`, the queue is the memory bank.

    Raises:
        ValueError: if the memory bank holds fewer than k entries.
    """

    def __init__(self, num_neighbors: int = 10, momentum: float = 0.01, **kwargs: Any) -> None:
        super().__init__(momentum=momentum, **kwargs)
        self.num_neighbors = num_neighbors
        if not 1 <= num_neighbors <= self.queue.length:
            raise ValueError(
                f'model.num_neighbors={num_neighbors} must be between 1 and '
                f'model.queue.length={self.queue.length}'
            )

    def loss(self, inputs: list[Tensor], data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Compute the loss of a batch and update momentum encoder and queue.

        Args:
            inputs: views of query and target, each of shape (N, C, height, width).
            data_samples: N samples that carry ``sample_idx``.

        Returns:
            ``loss``.

        Raises:
            ValueError: for parts or a pipeline that do not fit, see :mod:`.parts`.
        """
        strong, weak = two_views(inputs, 'MSF')
        indices = sample_indices(data_samples, strong.device, 'MSF')
        query = self.project(strong)
        self.update_momentum_encoder()
        target = self.extract_keys(weak)
        found = keys_of_all_ranks(indices, target)
        self.queue.enqueue(found.features, found.indices)
        neighbors = nearest_keys(target, self.queue, self.num_neighbors)
        with named_width('model.head.predictor', query.shape[1]):
            return dict(loss=self.head.loss(query, neighbors))
