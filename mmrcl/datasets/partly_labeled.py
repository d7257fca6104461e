"""Few labelled images and many without a label in one data set, and the order of both."""

from collections.abc import Iterator, Sized
from typing import Any

import numpy as np
from mmengine.dataset import ConcatDataset
from mmengine.dist import get_dist_info, sync_random_seed
from numpy.typing import NDArray
from torch.utils.data import Sampler

from mmrcl.registry import DATA_SAMPLERS, DATASETS, own_scope

__all__ = ['PartlyLabeled', 'PartlyLabeledSampler']

_LABELED, _UNLABELED = range(2)  # streams of random numbers


@DATASETS.register_module()
class PartlyLabeled(ConcatDataset):
    """Labelled images, followed by images whose labels are hidden.

    A sample of the second part has no ``gt_label``, which tells a
    :class:`mmrcl.models.SemiSupervisedClassifier` that it is unlabelled. An image may be in both
    parts. ``get_data_info`` still knows all labels, for hooks that measure.

    Args:
        labeled: config of the labelled images, a data set based on mmpretrain's ``BaseDataset``.
        unlabeled: config of the others. Both pipelines return the same number of views.

    Raises:
        ValueError: if an image of the first has no label, or a class no labelled image.
    """

    def __init__(self, labeled: dict[str, Any], unlabeled: dict[str, Any]) -> None:
        with own_scope():
            parts = [DATASETS.build(each) for each in (labeled, unlabeled)]
        # Images without labels need no classes.
        super().__init__(parts, ignore_keys=[key for part in parts for key in part.metainfo])
        self.num_labeled = len(parts[0])
        self._check_classes()

    def _check_classes(self) -> None:
        first = self.datasets[0]
        labels = [first.get_data_info(index).get('gt_label') for index in range(len(first))]
        if None in labels:
            raise ValueError(
                f'train_dataloader.dataset.labeled has an image without a label, number '
                f'{labels.index(None)}: set it to a data set with classes, such as CustomDataset'
            )
        classes = self.metainfo.get('classes') or ()
        counts = np.bincount(labels, minlength=len(classes))
        if not counts.all():
            missing = int(np.flatnonzero(counts == 0)[0])
            name = f' ({classes[missing]})' if classes else ''
            raise ValueError(
                f'class {missing}{name} has no labelled image: raise '
                'train_dataloader.dataset.labeled.fraction, or list an image of each class in '
                'train_dataloader.dataset.labeled.ann_file'
            )

    def __getitem__(self, index: int) -> Any:
        """Return an image with its label, or one of the second part without."""
        item = super().__getitem__(index)
        if index >= self.num_labeled:
            item['data_samples'].pop('gt_label', None)
        return item


@DATA_SAMPLERS.register_module()
class PartlyLabeledSampler(Sampler[int]):
    """Order of a :class:`PartlyLabeled`: one labelled image, then mu unlabelled ones, and so on.

    So a batch of B (1 + mu) images has B labelled ones, in each process. An epoch is one pass over
    the unlabelled images, in random order; the last few are left out if they do not fill a group in
    each process. The labelled images are repeated as often as needed, all of them once before any
    again, in a new order each time, and go on where the epoch before ended. The order of an epoch
    depends on seed and epoch alone, and groups are dealt to the processes in turn.

    Args:
        dataset: a :class:`PartlyLabeled`, or a wrapper of one.
        unlabeled_per_labeled: mu, unlabelled images for each labelled one.
        seed: seed of the run; None draws one for all processes.

    Attributes:
        group: 1 + mu, of which the batch size is a multiple.

    Raises:
        ValueError: for another data set, or mu below 1.
    """

    def __init__(self, dataset: Sized, unlabeled_per_labeled: int, seed: int | None = None) -> None:
        inner = getattr(dataset, 'dataset', dataset)
        if not isinstance(inner, PartlyLabeled):
            raise ValueError(
                f'PartlyLabeledSampler takes no {type(inner).__name__}: set '
                'train_dataloader.dataset=dict(type="PartlyLabeled", labeled=..., unlabeled=...)'
            )
        if unlabeled_per_labeled < 1:
            raise ValueError(
                f'train_dataloader.sampler.unlabeled_per_labeled={unlabeled_per_labeled} must be '
                'at least 1; for labelled images alone use their data set and DefaultSampler'
            )
        self.rank, self.processes = get_dist_info()
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0
        self.unlabeled_per_labeled = unlabeled_per_labeled
        self.group = 1 + unlabeled_per_labeled
        self.labeled = inner.num_labeled
        self.unlabeled = len(inner) - inner.num_labeled
        self.groups = self.unlabeled // unlabeled_per_labeled // self.processes

    def set_epoch(self, epoch: int) -> None:
        """Order the images for an epoch, from 0."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Return the number of images of an epoch in this process."""
        return self.groups * self.group

    def __iter__(self) -> Iterator[int]:
        return (image for _, image in self.with_passes())

    def with_passes(self) -> Iterator[tuple[int, int]]:
        """Yield the number of each image's pass, by which its views are drawn, and the image.

        It is the epoch for the unlabelled images. An epoch has several passes over the labelled
        ones, and without a number of its own each would show the same views.
        """
        total = self.groups * self.processes
        unlabeled = self._shuffled(_UNLABELED, self.epoch, self.unlabeled)
        unlabeled = unlabeled[: total * self.unlabeled_per_labeled].reshape(total, -1)
        passes, labeled = self._labeled(total)
        images = np.column_stack([labeled, self.labeled + unlabeled])
        numbers = np.full_like(images, self.epoch)
        numbers[:, 0] = passes
        own = slice(self.rank, None, self.processes)
        yield from zip(numbers[own].ravel().tolist(), images[own].ravel().tolist(), strict=True)

    def _labeled(self, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return passes over all labelled images and the images, the next ``count`` of them."""
        first, rest = divmod(self.epoch * count, self.labeled)
        passes = np.arange(first, first + -(-(rest + count) // self.labeled))
        images = [self._shuffled(_LABELED, number, self.labeled) for number in passes.tolist()]
        chosen = slice(rest, rest + count)
        return passes.repeat(self.labeled)[chosen], np.concatenate(images)[chosen]

    def _shuffled(self, stream: int, number: int, size: int) -> NDArray[np.int64]:
        seeds = np.random.SeedSequence(self.seed, spawn_key=(stream, number))
        return np.random.default_rng(seeds).permutation(size)
