"""Learning by classification of the images into their clusters."""

from typing import Any

import torch
from mmpretrain.models.selfsup.base import BaseSelfSupervisor
from mmpretrain.structures import DataSample
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.registry import MODELS

from .parts import named_neck, named_width, one_view, sample_indices


@MODELS.register_module()
class ClusterClassifier(BaseSelfSupervisor):
    """Encoder and linear classifiers that learn the clusters of all images as classes.

    ``HierarchicalClusteringHook`` with ``warmup_epochs=0`` and ``refiner=None`` clusters the images
    before the first epoch and at each ``recluster_interval``; its source is the method:

    - DeepCluster (Caron et al., ECCV 2018): ``KMeansSource``, and a ``ClassifierResetHook``,
      because clusters come in a new order each time.
    - Self-labelling (Asano et al., ICLR 2020): ``SinkhornSource`` on the classifiers' own scores,
      ``space='scores'``.

    Args:
        backbone: config of the encoder.
        neck: config of the projector; returns a tuple with z of shape (N, d).
        head: config of a :class:`PseudoLabelHead`.
        hierarchy: config of :class:`PseudoLabels`.
        **kwargs: ``pretrained``, ``data_preprocessor`` and ``init_cfg`` of mmpretrain's
            ``BaseSelfSupervisor``.

    Raises:
        ValueError: if head and labels differ in number of classes or labellings.
    """

    def __init__(
        self,
        backbone: dict[str, Any],
        neck: dict[str, Any],
        head: dict[str, Any],
        hierarchy: dict[str, Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(backbone=backbone, neck=neck, head=head, **kwargs)
        self.hierarchy = MODELS.build(hierarchy)
        outputs = (self.head.num_classifiers, self.head.num_classes)
        labels = (self.hierarchy.num_levels - 1, self.hierarchy.num_classes)
        if outputs != labels:
            raise ValueError(
                f'model.head has {outputs[0]} classifiers of {outputs[1]} classes, model.hierarchy '
                f'{labels[0]} labellings of {labels[1]}: set model.head.num_classifiers={labels[0]}'
                f' and model.head.num_classes={labels[1]}'
            )

    def project(self, images: Tensor) -> Tensor:
        """Return z of images, shape (N, d), with gradient.

        Raises:
            ValueError: if the neck does not fit the backbone.
        """
        maps = self.backbone(images)
        with named_neck(self.neck, maps):
            projection: Tensor = self.neck(maps)[0]
        return projection

    @torch.no_grad()
    def extract_keys(self, images: Tensor) -> Tensor:
        """Return the L2-normalised z of images, which are clustered, shape (N, d)."""
        return normalize(self.project(images).float(), dim=1)

    @torch.no_grad()
    def extract_scores(self, images: Tensor) -> Tensor:
        """Return the scores of images by all classifiers, shape (N, L * K)."""
        scores: Tensor = self.head(self.project(images))
        return scores.transpose(0, 1).flatten(1).float()

    def loss(self, inputs: list[Tensor], data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Compute the loss of a batch.

        Args:
            inputs: one view, of shape (N, C, height, width).
            data_samples: N samples that carry ``sample_idx``.

        Returns:
            ``loss``.

        Raises:
            ValueError: for parts or a pipeline that do not fit, see :mod:`.parts`.
        """
        return self.classify(inputs, data_samples)[0]

    def classify(
        self, inputs: list[Tensor], data_samples: list[DataSample]
    ) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Return the losses, the images' indices (N,) and their z (N, d)."""
        name = type(self).__name__
        view = one_view(inputs, name)
        indices = sample_indices(data_samples, view.device, name)
        projection = self.project(view)
        classes = self.hierarchy.classes_of(indices)
        with named_width('model.head', projection.shape[1]):
            losses = self.head.loss(projection, classes, self.hierarchy.sizes_of(classes))
        return losses, indices, projection
