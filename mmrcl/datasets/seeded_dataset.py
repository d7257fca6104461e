"""Training images with reproducible views, and replacement of unreadable files."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmpretrain.structures import DataSample
from torch.utils.data import Dataset

from mmrcl.errors import TrainingError
from mmrcl.registry import DATASETS, own_scope

from .image_reading import UnreadableImageError
from .load_image import guard_loaders, pipelines
from .resumable_sampler import SampleKey, ViewKey
from .seeding import restored_generators, seed_cpu

MAX_TRIES = 10


@DATASETS.register_module()
class SeededDataset(Dataset):
    """A data set whose views depend only on (seed, epoch, image).

    Views are the same in any worker, at any position of a batch and with any number of processes.
    Global generators are seeded for each image. Transforms which draw from none find the tuple
    (seed, epoch, image) in the results as ``view_key``, as later ones on the training device do in
    the meta information of the sample.

    An image that cannot be read is replaced by one drawn with the same seed; the sample then
    lists it in ``unreadable``, as (image, file, reason), for ``UnreadableImageHook``, and the image
    of its ``view_key`` is the other one. Unreadable is what raises an OSError, as
    :class:`UnreadableImageError` is one; a loader of your own can raise either. Any other error of
    a transform is a mistake and ends the run.

    Args:
        dataset: config of a data set whose pipeline draws from Python's, NumPy's and torch's
            global generators, or by ``view_key``.
    """

    def __init__(self, dataset: dict) -> None:
        with own_scope():
            self.dataset = DATASETS.build(dataset)
        self.dataset.full_init()
        guard_loaders(self.dataset)
        self._set_key = _SetViewKey()
        for pipeline in pipelines(self.dataset):
            pipeline.transforms.insert(0, self._set_key)

    @property
    def metainfo(self) -> dict:
        """Meta information of the data set."""
        return self.dataset.metainfo

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, key: SampleKey) -> Any:
        """Load an image and draw its views for an epoch.

        Raises:
            TrainingError: if ten images in a row cannot be read.
        """
        return self.__getitems__([key])[0]

    def __getitems__(self, keys: Sequence[SampleKey]) -> list[Any]:
        """Load the images of a batch, for torch's loader.

        Raises:
            TrainingError: if ten images in a row cannot be read.
        """
        with restored_generators():
            return [self._load(key) for key in keys]

    def _load(self, key: SampleKey) -> Any:
        unreadable: list[tuple[int, str, str]] = []
        index = key.image
        while len(unreadable) < MAX_TRIES:
            seed_cpu(key.seed, key.epoch, key.image, len(unreadable))
            self._set_key.key = (key.seed, key.epoch, index)
            try:
                return _marked(self.dataset[index], self._set_key.key, unreadable)
            except OSError as error:
                unreadable.append((index, self._file(index), _reason(error)))
                index = int(np.random.randint(len(self)))
        index, file, reason = unreadable[-1]
        raise TrainingError(
            f'{MAX_TRIES} images in a row cannot be read, the last is {file} ({reason}): check '
            'that data_root is complete and its files are images'
        )

    def _file(self, index: int) -> str:
        return str(self.dataset.get_data_info(index).get('img_path', f'image {index}'))


class _SetViewKey:
    """The first step of a pipeline, which hands on the key of the image that is loaded next."""

    key: ViewKey

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        results['view_key'] = self.key
        return results


def _marked(item: Any, key: ViewKey, unreadable: list[tuple[int, str, str]]) -> Any:
    sample: DataSample | None = item.get('data_samples')
    if sample is not None:
        sample.set_field(key, 'view_key', field_type='metainfo')
        if unreadable:
            sample.set_field(unreadable, 'unreadable', field_type='metainfo')
    return item


def _reason(error: BaseException) -> str:
    cause = error.__cause__ if isinstance(error, UnreadableImageError) else None
    return f'{type(cause or error).__name__}: {" ".join(str(cause or error).split())}'
