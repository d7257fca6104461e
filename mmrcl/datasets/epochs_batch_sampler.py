"""Batches of a whole training, so that loading does not stop between epochs."""

from collections.abc import Iterator
from typing import Any

from torch.utils.data import BatchSampler

from mmrcl.registry import DATA_SAMPLERS

__all__ = ['EpochsBatchSampler']


@DATA_SAMPLERS.register_module()
class EpochsBatchSampler(BatchSampler):
    """torch's ``BatchSampler`` that goes on with the next epoch, until the last.

    Worker processes so fetch the first batches of an epoch while the last ones of the epoch before
    train. No batch has images of two epochs. The length is that of one complete epoch.

    Args:
        sampler: the :class:`ResumableSampler` of the images of an epoch.
        batch_size: images per batch.
        max_epochs: number of epochs.
        drop_last: whether an epoch ends with its last complete batch.
    """

    sampler: Any  # to torch's types, a sampler yields integers

    def __init__(
        self, sampler: Any, batch_size: int, max_epochs: int, drop_last: bool = False
    ) -> None:
        super().__init__(sampler, batch_size, drop_last)
        self.max_epochs = max_epochs
        self.start_at(sampler.seed, epoch=0, batch=0)

    def start_at(self, seed: int, epoch: int, batch: int) -> None:
        """Start the next pass in ``epoch``, after its first ``batch`` batches."""
        self.seed = seed
        self.epoch = epoch
        self.position = batch * self.batch_size

    def __iter__(self) -> Iterator[Any]:
        for epoch in range(self.epoch, self.max_epochs):
            position = self.position if epoch == self.epoch else 0
            self.sampler.start_at(self.seed, epoch, position)
            yield from super().__iter__()
