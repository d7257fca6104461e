"""The NNCLR algorithm (Dwibedi et al., ICCV 2021)."""

from mmpretrain.structures import DataSample
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.registry import MODELS

from ..retrievers.nearest import nearest_keys
from .base import QueueSelfSupervisor
from .parts import keys_of_all_ranks, named_width, sample_indices, two_views


@MODELS.register_module()
class NNCLR(QueueSelfSupervisor):
    """Nearest-neighbour contrastive learning of two views, without a momentum encoder.

    Each step projects both views, finds the nearest entry of the support queue to each projection
    (Sect. 3.2), and compares it with the prediction of the other view; the loss is the mean of
    both directions. The projection of the first view enters the queue after the loss. While the
    queue is empty, each projection is its own neighbour.

    Args are those of :class:`QueueSelfSupervisor`; the head is mmpretrain's ``LatentPredictHead``
    with a :class:`NearestNeighborLoss`.
    """

    def loss(self, inputs: list[Tensor], data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Compute the loss of a batch and update the queue.

        Args:
            inputs: two views, each of shape (N, C, height, width).
            data_samples: N samples that carry ``sample_idx``.

        Returns:
            ``loss``.

        Raises:
            ValueError: for parts or a pipeline that do not fit, see :mod:`.parts`.
        """
        views = two_views(inputs, 'NNCLR')
        indices = sample_indices(data_samples, views[0].device, 'NNCLR')
        z_1, z_2 = (self.project(view).float() for view in views)
        keys = [normalize(z.detach(), dim=1) for z in (z_1, z_2)]
        near_1, near_2 = (nearest_keys(key, self.queue)[:, 0] for key in keys)
        with named_width('model.head.predictor', z_1.shape[1]):
            loss = (self.head.loss(z_2, near_1) + self.head.loss(z_1, near_2)) / 2
        found = keys_of_all_ranks(indices, keys[0])
        self.queue.enqueue(found.features, found.indices)
        return dict(loss=loss)
