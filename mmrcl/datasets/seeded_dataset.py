"""Training images with reproducible views, and replacement of unreadable files."""

from typing import Any

import numpy as np
from mmpretrain.structures import DataSample
from torch.utils.data import Dataset

from mmrcl.errors import TrainingError
from mmrcl.registry import DATASETS, own_scope

from .image_reading import UnreadableImageError
from .load_image import guard_loaders
from .resumable_sampler import SampleKey
from .seeding import seeded

MAX_TRIES = 10


@DATASETS.register_module()
class SeededDataset(Dataset):
    """A data set whose views depend only on (seed, epoch, image).

    Views are the same in any worker, at any position of a batch and with any number of processes.
    An image that cannot be read is replaced by one drawn with the same seed; the sample then
    lists it in ``unreadable``, as (image, file, reason), for ``UnreadableImageHook``. Unreadable is
    what raises an OSError, as :class:`UnreadableImageError` is one; a loader of your own can raise
    either. Any other error of a transform is a mistake and ends the run.

    Args:
        dataset: config of a data set whose pipeline draws from Python's, NumPy's and torch's
            global generators.
    """

    def __init__(self, dataset: dict) -> None:
        with own_scope():
            self.dataset = DATASETS.build(dataset)
        self.dataset.full_init()
        guard_loaders(self.dataset)

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
        unreadable: list[tuple[int, str, str]] = []
        index = key.image
        while len(unreadable) < MAX_TRIES:
            with seeded(key.seed, key.epoch, key.image, len(unreadable)):
                try:
                    return _marked(self.dataset[index], unreadable)
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


def _marked(item: Any, unreadable: list[tuple[int, str, str]]) -> Any:
    if unreadable:
        sample: DataSample = item['data_samples']
        sample.set_metainfo(dict(unreadable=unreadable))
    return item


def _reason(error: BaseException) -> str:
    cause = error.__cause__ if isinstance(error, UnreadableImageError) else None
    return f'{type(cause or error).__name__}: {" ".join(str(cause or error).split())}'
