"""Labels of all images that a classifier learns as classes."""

from typing import Any

import torch
from torch import Tensor

from mmrcl.clustering import LabelHierarchy
from mmrcl.registry import MODELS


@MODELS.register_module()
class PseudoLabels(LabelHierarchy):
    """Clusters as classes: each level is a labelling for a classifier of its own.

    Clusters keep the numbers 0..num_classes - 1 of the clustering source, where a
    ``LabelHierarchy`` names each by its first image. Levels need not nest.

    Args:
        num_classes: K, clusters of each level.
        num_levels: number of labellings and one more, for the images.
        feat_dim: length of a feature of the bank; 0 keeps no bank.
        **kwargs: arguments of :class:`mmrcl.clustering.LabelHierarchy`.

    Attributes:
        sizes: images of each class at each level, shape (num_levels - 1, K).
    """

    sizes: Tensor

    def __init__(
        self, num_classes: int, num_levels: int = 2, feat_dim: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(num_levels=num_levels, feat_dim=feat_dim, **kwargs)
        self.num_classes = num_classes
        self.register_buffer('sizes', torch.zeros(num_levels - 1, num_classes, dtype=torch.long))

    def set_bank(self, features: Tensor) -> None:
        """Replace the bank as ``LabelHierarchy`` does, if there is one."""
        if self.feat_dim:
            super().set_bank(features)

    def set_labels(self, labels: Tensor, nested: bool = False) -> None:
        """Replace the labels, and count the images of each class.

        Args:
            labels: classes 0..K - 1, shape (num_levels - 1, N).
            nested: not used.

        Raises:
            ValueError: for another shape, or labels that are no classes.
        """
        super().set_labels(labels, nested=False)
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or high >= self.num_classes:
            raise ValueError(
                f'labels {low}..{high} of the clustering source are no classes of '
                f'model.hierarchy.num_classes={self.num_classes}: set num_clusters of the source, '
                'model.hierarchy.num_classes and model.head.num_classes to one number'
            )
        self.labels.copy_(labels)
        self._count()

    def _count(self) -> None:
        self.sizes.zero_().scatter_add_(1, self.labels, torch.ones_like(self.labels))

    def classes_of(self, indices: Tensor) -> Tensor:
        """Return the classes of images (n,) at each level, shape (num_levels - 1, n).

        Raises:
            ValueError: before the first clustering.
        """
        if not self.clustered:
            raise ValueError(
                'there are no labels to learn: add HierarchicalClusteringHook with warmup_epochs=0 '
                'as default_hooks.clustering'
            )
        return self.labels[:, indices]

    def sizes_of(self, classes: Tensor) -> Tensor:
        """Return the numbers of images of ``classes`` (num_levels - 1, n), in the same shape."""
        return self.sizes.gather(1, classes)
