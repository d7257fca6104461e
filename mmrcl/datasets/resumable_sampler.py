"""The order of the training images, from any position of any epoch."""

from collections.abc import Iterator, Sized
from itertools import islice
from typing import NamedTuple

from torch.utils.data import Sampler

from mmrcl.registry import DATA_SAMPLERS


class SampleKey(NamedTuple):
    """What a :class:`SeededDataset` needs to draw the views of an image.

    Attributes:
        seed: of the run.
        epoch: from 0.
        image: its index in the data set.
    """

    seed: int
    epoch: int
    image: int


@DATA_SAMPLERS.register_module()
class ResumableSampler(Sampler[SampleKey]):
    """Gives the indices of another sampler as keys that name seed and epoch.

    Keys travel with the indices, so worker processes know the epoch even when they outlive it.

    Args:
        sampler: config of a sampler whose order follows from its ``seed`` and ``set_epoch``, as
            that of mmengine's ``DefaultSampler`` does.
        dataset: the data set.
        seed: of the run.
        multiple: end an epoch after the last whole multiple of so many images a process, so that
            gradient accumulation ends with it; 1 takes all.

    Raises:
        ValueError: for a sampler that cannot start at an epoch.
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
        """Makes the next pass that of ``epoch``, without its first ``position`` images."""
        self.seed = seed
        self.epoch = epoch
        self.position = position
        self.sampler.seed = seed
        self.sampler.set_epoch(epoch)

    def __iter__(self) -> Iterator[SampleKey]:
        for index in islice(self.sampler, self.position, len(self)):
            yield SampleKey(self.seed, self.epoch, index)

    def __len__(self) -> int:
        """Images of a whole epoch in this process."""
        return len(self.sampler) // self.multiple * self.multiple
