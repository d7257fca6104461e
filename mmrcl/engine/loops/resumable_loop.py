"""Epoch-based training with exact resume after any iteration."""

from collections.abc import Generator
from contextlib import closing
from typing import Any

from mmengine.dist import get_rank, get_world_size
from mmengine.model import BaseAveragedModel
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import nn

from mmrcl.datasets import seed_all
from mmrcl.features import resumable
from mmrcl.models import FeatureBank, SupportQueue
from mmrcl.registry import LOOPS

from ..dataset_positions import check_sample_idx

# Points at which random generators are seeded: before the hooks of an epoch, or before a step.
_EPOCH, _STEP = range(2)


def needs_two_images(model: nn.Module) -> bool:
    """Return whether a batch norm of a model takes its statistics from the vectors of a batch.

    Batch norms over maps see many positions of one image, synchronised ones the other processes.
    """
    return any(isinstance(module, nn.BatchNorm1d) for module in model.modules())


def _all_epochs(dataloader: dict, multiple: int, max_epochs: int) -> dict:
    """Convert the config of a loader so that one pass over it is the training."""
    if 'batch_sampler' in dataloader:
        raise ValueError(
            'train_dataloader.batch_sampler is not used: ResumableTrainLoop makes batches of '
            'train_dataloader.batch_size images, in the order of train_dataloader.sampler'
        )
    loader = resumable(dataloader, multiple)
    batches = dict(
        type='EpochsBatchSampler', max_epochs=max_epochs, drop_last=loader.pop('drop_last', False)
    )
    return dict(loader, batch_sampler=batches)


@LOOPS.register_module()
class ResumableTrainLoop(EpochBasedTrainLoop):
    """mmengine's ``EpochBasedTrainLoop`` with exact resume.

    - The views of an image depend only on (seed, epoch, image), see
      :class:`mmrcl.datasets.SeededDataset`; all other random numbers of an iteration only on (seed,
      iteration, rank). A checkpoint therefore needs no random states.
    - Loading does not stop between epochs: worker processes fetch the first batches of an epoch
      while the last ones of the epoch before train, and none after the last epoch. Hooks that run
      between epochs find these batches in memory.
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
        ValueError: if there is no complete optimiser step in an epoch, a batch of one image for a
            batch norm over vectors, a batch of parts of the sampler's groups, a feature bank with
            fewer rows than there are images or of images whose ``sample_idx`` is not their
            position, or a batch sampler in the loader's config.
    """

    def __init__(self, runner: Runner, dataloader: dict, max_epochs: int, **kwargs: Any) -> None:
        self.accumulation: int = runner.cfg.optim_wrapper.get('accumulative_counts', 1)
        multiple = self.accumulation * dataloader['batch_size'] if self.accumulation > 1 else 1
        super().__init__(
            runner, _all_epochs(dataloader, multiple, max_epochs), max_epochs, **kwargs
        )
        self._check_batches()

    def _check_batches(self) -> None:
        batches, images = self.dataloader.batch_sampler, len(self.dataloader.dataset)
        size = batches.batch_size
        if len(self.dataloader) == 0:
            raise ValueError(
                f'{images} images are fewer than one optimiser step takes, {get_world_size()} '
                f'processes x {size} images x {self.accumulation} accumulated: lower '
                'train_dataloader.batch_size or optim_wrapper.accumulative_counts'
            )
        group = getattr(batches.sampler.sampler, 'group', 1)
        if size % group:
            raise ValueError(
                f'train_dataloader.batch_size={size} must be a multiple of {group}, that is 1 + '
                'sampler.unlabeled_per_labeled, or batches differ in the share of labelled images'
            )
        rest = len(batches.sampler) % size
        smallest = size if batches.drop_last or not rest else rest
        if smallest == 1 and needs_two_images(self.runner.model):
            raise ValueError(
                f'an epoch of {images} images has a batch of one image, which batch norm cannot '
                f'normalise: raise train_dataloader.batch_size={size}, or set '
                'train_dataloader.drop_last=True'
            )
        self._check_banks(images)

    def _check_banks(self, images: int) -> None:
        banks = [part for part in self.runner.model.modules() if isinstance(part, FeatureBank)]
        if banks:
            check_sample_idx(self.dataloader.dataset)
        for bank in banks:
            bank.check(images)
        if any(bank.length > images for bank in banks):
            self.runner.logger.warning(
                f'model.bank.length={banks[0].length} is more than the {images} training images: '
                'the other rows stay random and are drawn as negatives. Set '
                f'model.bank.length={images}'
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
        with closing(self._load()) as self._batches:
            return super().run()

    def _load(self) -> Generator[Any, None, None]:
        """Yield the batches from the first that is asked for to the end of the training."""
        self.dataloader.batch_sampler.start_at(self.runner.seed, self._epoch, self.position)
        yield from self.dataloader

    def run_epoch(self) -> None:
        """Train the rest of the current epoch."""
        start, seed, rank = self.position, self.runner.seed, get_rank()
        seed_all(seed, _EPOCH, self._epoch, rank)
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        for index in range(start, len(self.dataloader)):
            batch = next(self._batches)
            seed_all(seed, _STEP, self._iter, rank)
            self.run_iter(index, batch)
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1
