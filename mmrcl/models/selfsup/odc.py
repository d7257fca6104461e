"""The ODC algorithm, online deep clustering (Zhan et al., CVPR 2020)."""

from mmpretrain.structures import DataSample
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.registry import MODELS

from .cluster_classifier import ClusterClassifier
from .parts import keys_of_all_ranks, project


@MODELS.register_module()
class ODC(ClusterClassifier):
    """Clusters and network updated together (Sect. 3.1, Fig. 2).

    ``HierarchicalClusteringHook`` with ``warmup_epochs=0``, ``refiner=None`` and no interval
    clusters all images once. Then each step classifies one view by the labels in memory, and
    afterwards moves the features of its images in the samples memory and labels them anew by the
    nearest centroids. ``CentroidUpdateHook`` moves the centroids.

    Args are those of :class:`ClusterClassifier`; the hierarchy is :class:`OnlineClusters`, the
    head has one classifier, with a :class:`PseudoLabelLoss` of power 0.5.
    """

    def project(self, images: Tensor) -> Tensor:
        """Return z of images, shape (N, d), with gradient.

        Raises:
            ValueError: if the neck does not fit the backbone or the samples memory.
        """
        maps = self.backbone(images)
        return project(self.neck, maps, self.hierarchy.feat_dim, 'model.hierarchy')

    def loss(self, inputs: list[Tensor], data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Compute the loss of a batch and update the samples memory.

        Args:
            inputs: one view, of shape (N, C, height, width).
            data_samples: N samples that carry ``sample_idx``.

        Returns:
            ``loss``, and for the log the share of images that change their cluster,
            ``relabeled``.

        Raises:
            ValueError: for parts or a pipeline that do not fit, see :mod:`.parts`.
        """
        losses, indices, projection = self.classify(inputs, data_samples)
        keys = keys_of_all_ranks(indices, normalize(projection.detach().float(), dim=1))
        losses['relabeled'] = self.hierarchy.relabel(keys.indices, keys.features)
        return losses
