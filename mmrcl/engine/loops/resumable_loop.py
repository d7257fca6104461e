"""Epoch-based training with exact resume after any iteration."""

from typing import Any

from mmengine.dist import get_rank
from mmengine.model import BaseAveragedModel
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import nn

from mmrcl.datasets import seed_all
from mmrcl.features import resumable
from mmrcl.models import SupportQueue
from mmrcl.registry import LOOPS

# Points at which random generators are seeded: before the hooks of an epoch, or before a step.
_EPOCH, _STEP = range(2)


@LOOPS.register_module()
class ResumableTrainLoop(EpochBasedTrainLoop):
    """mmengine's ``EpochBasedTrainLoop`` with exact resume.

    - The views of an image depend only on (seed, epoch, image), see
      :class:`mmrcl.datasets.SeededDataset`; all other random numbers of an iteration only on (seed,
      iteration, rank). A checkpoint therefore needs no random states, and worker processes persist
      between epochs.
    - A run resumed inside an epoch continues with the next batch. The hooks'
      ``before_train_epoch`` is then called again, with :attr:`position` above 0.
    - With gradient accumulation over n iterations an epoch ends with the last complete n of them,
      the momentum encoder is updated once per n and the support queue takes the keys of n at once:
      apart from batch norm, n batches are equivalent to one of n times the size.

    Args:
        runner: the runner.
        dataloader: config of the loader over the training images.
        max_epochs: number of epochs.
        **kwargs: arguments of mmengine's ``EpochBasedTrainLoop``.

    Raises:
        ValueError: if accumulation leaves no complete optimiser step in an epoch.
    """

    def __init__(self, runner: Runner, dataloader: dict, max_epochs: int, **kwargs: Any) -> None:
        self.accumulation: int = runner.cfg.optim_wrapper.get('accumulative_counts', 1)
        multiple = self.accumulation * dataloader['batch_size'] if self.accumulation > 1 else 1
        loader = resumable(dataloader, multiple)
        loader.setdefault('persistent_workers', loader.get('num_workers', 0) > 0)
        super().__init__(runner, loader, max_epochs, **kwargs)
        if len(self.dataloader) == 0:
            raise ValueError(
                f'an epoch of {len(self.dataloader.dataset)} images has no {self.accumulation} '
                f'batches of {self.dataloader.batch_size} for each process: lower '
                'train_dataloader.batch_size or optim_wrapper.accumulative_counts'
            )

    @property
    def position(self) -> int:
        """Number of completed iterations of the current epoch."""
        return self._iter - self._epoch * len(self.dataloader)

    def run(self) -> nn.Module:
        """Train until the last epoch."""
        for module in self.runner.model.modules():
            if isinstance(module, (BaseAveragedModel, SupportQueue)):
                module.interval *= self.accumulation
        return super().run()

    def run_epoch(self) -> None:
        """Train the rest of the current epoch."""
        start, seed, rank = self.position, self.runner.seed, get_rank()
        seed_all(seed, _EPOCH, self._epoch, rank)
        self.runner.call_hook('before_train_epoch')
        self.dataloader.sampler.start_at(seed, self._epoch, start * self.dataloader.batch_size)
        self.runner.model.train()
        for index, batch in enumerate(self.dataloader, start):
            seed_all(seed, _STEP, self._iter, rank)
            self.run_iter(index, batch)
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1
