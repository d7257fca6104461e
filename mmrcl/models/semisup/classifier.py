"""A classifier that is trained on labelled and on unlabelled images."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from mmpretrain.models.classifiers import ImageClassifier
from mmpretrain.structures import DataSample
from torch import Tensor
from torch.nn.functional import cross_entropy

from mmrcl.device_copies import to_device
from mmrcl.registry import MODELS

from ..training_share import risen, share_done


class Batch(NamedTuple):
    """A batch, divided into its labelled and its unlabelled images.

    Attributes:
        images: the labelled images, shape (B, C, height, width).
        samples: their samples.
        views: one or two views of the unlabelled images, each of shape (M, C, height, width).
    """

    images: Tensor
    samples: list[DataSample]
    views: list[Tensor]


class Step(NamedTuple):
    """What a step on a batch computes.

    Attributes:
        losses: of the head and of the unlabelled images, by name.
        logits: predictions for the last view of the unlabelled images, shape (M, K).
    """

    losses: dict[str, Tensor]
    logits: Tensor


@MODELS.register_module()
class SemiSupervisedClassifier(ImageClassifier):
    """mmpretrain's classifier with a loss of unlabelled images beside that of labelled ones.

    The prediction for the first view of an unlabelled image, the weakly augmented one, becomes a
    target without gradient, and the cross-entropy of the second view, the strongly augmented one,
    with it is the loss. The labelled images take the first view. All go through the network in one
    batch. The ``target`` makes the method: pseudo-labelling and FixMatch
    (:class:`ArgmaxTarget`) or UDA (:class:`SharpenedTarget`).

    The images come from a :class:`mmrcl.datasets.PartlyLabeled`. A pipeline that returns one view
    makes this view its own target, as in pseudo-labelling (Lee, 2013).

    Args:
        backbone: config of the encoder.
        head: config of mmpretrain's ``LinearClsHead``, whose loss is that of the labelled images.
        target: config of the rule that makes the targets.
        neck: config of what is between both.
        unlabeled_weight: lambda_u, weight of the unlabelled loss, a mean over all unlabelled images
            of the batch, also those of weight 0.
        ramp: shares of the training between which this weight rises linearly from 0 to its value
            (T_1 and T_2 of Lee, 2013, Eq. 16).
        data_preprocessor: config of mmpretrain's ``SelfSupDataPreprocessor``.
        init_cfg: of mmengine's ``BaseModule``.

    Raises:
        ValueError: for a negative weight, or a ramp that is no pair of growing shares.
    """

    def __init__(
        self,
        backbone: dict[str, Any],
        head: dict[str, Any],
        target: dict[str, Any],
        neck: dict[str, Any] | None = None,
        unlabeled_weight: float = 1.0,
        ramp: tuple[float, float] = (0.0, 0.0),
        data_preprocessor: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(
            backbone, neck, head,
            data_preprocessor=views_preprocessor(data_preprocessor), init_cfg=init_cfg,
        )  # fmt: skip
        if unlabeled_weight < 0:
            raise ValueError(f'model.unlabeled_weight={unlabeled_weight} must not be negative')
        if len(ramp) != 2 or not 0 <= ramp[0] <= ramp[1] <= 1:
            raise ValueError(
                f'model.ramp={ramp} must be two shares of the training, the first not above the '
                'second, such as (0.1, 0.6)'
            )
        self.target = MODELS.build(target)
        self.unlabeled_weight = unlabeled_weight
        self.ramp = ramp

    def loss(
        self, inputs: Tensor | Sequence[Tensor], data_samples: list[DataSample]
    ) -> dict[str, Tensor]:
        """Compute the losses of a batch.

        Args:
            inputs: weak and strong view, or one view, each of shape (N, C, height, width).
            data_samples: N samples; those with a ``gt_label`` are the labelled images.

        Returns:
            ``loss_labeled`` and what else the head returns, ``loss_unlabeled``, and ``kept``, the
            share of the unlabelled images whose weight is not 0.

        Raises:
            ValueError: for more than two views, or a batch without labelled or without unlabelled
                images.
        """
        return self.step(divide(inputs, data_samples)).losses

    def step(self, batch: Batch) -> Step:
        """Compute losses and predictions of a batch, in one pass through the network."""
        parts = [batch.images, *batch.views]
        features = self.extract_feat(torch.cat(parts))
        count = len(batch.images)
        losses = self.head.loss(tuple(each[:count] for each in features), batch.samples)
        logits = self.head(tuple(each[count:] for each in features)).chunk(len(batch.views))
        targets = self.target(logits[0].detach())
        distances = cross_entropy(logits[-1], targets.classes, reduction='none')
        weight = self.unlabeled_weight * risen(share_done(), *self.ramp)
        losses['loss_labeled'] = losses.pop('loss')
        losses['loss_unlabeled'] = weight * (targets.weights * distances).mean()
        losses['kept'] = (targets.weights > 0).float().mean()
        return Step(losses, logits[-1])


def views_preprocessor(config: dict[str, Any] | Any) -> Any:
    """Build a preprocessor, to which mmpretrain's classifier would add settings of its own."""
    if isinstance(config, dict):
        return MODELS.build(dict(dict(type='SelfSupDataPreprocessor'), **config))
    return config


def divide(inputs: Tensor | Sequence[Tensor], data_samples: list[DataSample]) -> Batch:
    """Divide a batch into its labelled and its unlabelled images.

    Raises:
        ValueError: for more than two views, or if there are none of either.
    """
    views = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    if len(views) > 2:
        raise ValueError(
            f'SemiSupervisedClassifier takes a weak and a strong view, not {len(views)} views: set '
            'dict(type="MultiView", num_views=[1, 1], transforms=[weak, strong]) in the pipelines'
        )
    known = torch.tensor(['gt_label' in sample for sample in data_samples])
    labeled, unlabeled = (
        to_device(mask.nonzero().flatten(), views[0].device) for mask in (known, ~known)
    )
    if not len(labeled) or not len(unlabeled):
        kind = 'unlabelled' if len(labeled) else 'labelled'
        raise ValueError(
            f'a batch of {len(known)} images has no {kind} one: set train_dataloader.dataset.type='
            '"PartlyLabeled", train_dataloader.sampler.type="PartlyLabeledSampler", and '
            'train_dataloader.batch_size to a multiple of 1 + sampler.unlabeled_per_labeled'
        )
    samples = [sample for sample in data_samples if 'gt_label' in sample]
    return Batch(views[0][labeled], samples, [view[unlabeled] for view in views])
