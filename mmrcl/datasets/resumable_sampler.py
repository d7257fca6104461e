"""A sampler that can start at any position of any epoch."""

from collections.abc import Iterator, Sized
from itertools import islice
from typing import NamedTuple

from torch.utils.data import Sampler

from mmrcl.registry import DATA_SAMPLERS

ViewKey = tuple[int, int, int]  # seed, epoch and index of the image that was read


class SampleKey(NamedTuple):
    """Index with which a :class:`SeededDataset` draws the views of an image.

    Attributes:
        seed: seed of the run.
        epoch: epoch, from 0, or another number of the pass over the images.
        image: index in the data set.
    """

    seed: int
    epoch: int
    image: int


@DATA_SAMPLERS.register_module()
class ResumableSampler(Sampler[SampleKey]):
    """Wrapper of a sampler that yields keys of seed, epoch and index instead of indices.

    The epoch is part of the key, so persistent worker processes need no update between epochs. A
    sampler that repeats images within an epoch numbers its passes by a method ``with_passes``.

    Args:
        sampler: config of a sampler whose order is determined by ``seed`` and ``set_epoch``, such
            as mmengine's ``DefaultSampler``.
        dataset: the data set.
        seed: seed of the run.
        multiple: end an epoch after the last complete multiple of this number of images per
            process, so that gradient accumulation ends with the epoch; 1 uses all images.

    Raises:
        ValueError: for a sampler without ``seed`` or ``set_epoch``.
    """

    def __init__(
        self, sampler: dict, dataset: Sized, seed: int | None = None, multiple: int = 1
    ) -> None:
        self.sampler = DATA_SAMPLERS.build(sampler, default_args=dict(dataset=dataset, seed=seed))
        if not (hasattr(self.sampler, 'seed') and hasattr(self.sampler, 'set_epoch')):
            raise ValueError(
                f'the order of train_dataloader.sampler.type={type(self.sampler).__name__} cannot '
                'be repeated: use dict(type="DefaultSampler", shuffle=True), or another sampler '
                'with a seed and set_epoch()'
            )
        self.multiple = multiple
        self.start_at(self.sampler.seed, epoch=0, position=0)

    def start_at(self, seed: int, epoch: int, position: int) -> None:
        """Start the next pass in ``epoch``, after its first ``position`` images."""
        self.seed = seed
        self.epoch = epoch
        self.position = position
        self.sampler.seed = seed
        self.sampler.set_epoch(epoch)

    def __iter__(self) -> Iterator[SampleKey]:
        seed, epoch = self.seed, self.epoch  # another pass may begin before this one ends
        for number, index in islice(self._passes(epoch), self.position, len(self)):
            yield SampleKey(seed, number, index)

    def _passes(self, epoch: int) -> Iterator[tuple[int, int]]:
        if hasattr(self.sampler, 'with_passes'):
            return self.sampler.with_passes()
        return ((epoch, index) for index in self.sampler)

    def __len__(self) -> int:
        """Return the number of images of a complete epoch in this process."""
        return len(self.sampler) // self.multiple * self.multiple
