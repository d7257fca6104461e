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
    train. No batch has images of two epochs. The length is that of one complete epoch, and so is a
    pass without :meth:`start_at` before it, as of a hook that reads the loader meanwhile.

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
        self.seed = sampler.seed
        self.epoch = self.position = self._end = 0

    def start_at(self, seed: int, epoch: int, batch: int) -> None:
        """Let the next pass start in ``epoch`` after its first ``batch`` batches, and go on."""
        self.seed = seed
        self.epoch = epoch
        self.position = batch * self.batch_size
        self._end = self.max_epochs

    def __iter__(self) -> Iterator[Any]:
        position, self.position = self.position, 0
        end, self._end = self._end, 0
        for epoch in range(self.epoch, max(end, self.epoch + 1)):
            self.epoch = epoch
            self.sampler.start_at(self.seed, epoch, position)
            yield from super().__iter__()
            position = 0
