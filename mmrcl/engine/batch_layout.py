"""Resume with another number of processes or batch size, at the same share of the training."""

from dataclasses import asdict, dataclass
from typing import Any

from mmengine.dist import get_world_size
from mmengine.model import BaseAveragedModel
from mmengine.runner import Runner

from mmrcl.features import unwrapped


@dataclass(frozen=True)
class BatchLayout:
    """Division of an epoch into processes, batches and optimiser steps.

    Attributes:
        processes: number of ranks.
        batch_size: images per process and iteration.
        accumulation: iterations per optimiser step.
        epoch_length: iterations per epoch.
    """

    processes: int
    batch_size: int
    accumulation: int
    epoch_length: int

    @classmethod
    def of(cls, runner: Runner) -> 'BatchLayout':
        """Return the layout of a run."""
        loader = runner.train_dataloader
        accumulation = runner.cfg.optim_wrapper.get('accumulative_counts', 1)
        return cls(get_world_size(), loader.batch_size, accumulation, len(loader))

    def __str__(self) -> str:
        return (
            f'{self.processes} x {self.batch_size} images, accumulation {self.accumulation}, '
            f'{self.epoch_length} iterations an epoch'
        )


def save_batch_layout(runner: Runner, checkpoint: dict) -> None:
    """Save the batch layout of a run in its checkpoint, under the key ``pace``."""
    checkpoint['meta']['pace'] = asdict(BatchLayout.of(runner))


def rescale_progress(runner: Runner, checkpoint: dict) -> None:
    """Convert the progress in a checkpoint to another batch layout, in place, with a warning.

    The new iteration is the one after the same number of images of the epoch, rounded down to
    complete optimiser steps. The schedules and the momentum encoder continue from there, with the
    learning rate scaled like that of the new run. Nothing changes if the layout is the same.
    """
    if 'pace' not in checkpoint['meta']:
        return
    old, new = BatchLayout(**checkpoint['meta']['pace']), BatchLayout.of(runner)
    if old == new:
        return
    runner.logger.warning(
        f'The checkpoint was written by a run of {old}; this one has {new}. The resume is not '
        'exact: batches and random numbers differ, and the position in the epoch and the '
        'schedules may shift by one optimiser step.'
    )
    if (old.epoch_length, old.accumulation) != (new.epoch_length, new.accumulation):
        _move(runner, checkpoint, old, new)


def _move(runner: Runner, checkpoint: dict, old: BatchLayout, new: BatchLayout) -> None:
    meta = checkpoint['meta']
    done = meta['iter'] - meta['epoch'] * old.epoch_length
    position = done * new.epoch_length // old.epoch_length // new.accumulation * new.accumulation
    before, after = meta['iter'], meta['epoch'] * new.epoch_length + position
    meta['iter'] = after
    for name, module in unwrapped(runner.model).named_modules():
        if isinstance(module, BaseAveragedModel):
            checkpoint['state_dict'][f'{name}.steps'].fill_(after)
    if runner.param_schedulers is not None:
        pairs = zip(runner.param_schedulers, checkpoint['param_schedulers'], strict=True)
        checkpoint['param_schedulers'] = [_moved(*pair, after - before) for pair in pairs]
    _scale_lr(runner, checkpoint['optimizer']['param_groups'])


def _moved(scheduler: Any, saved: dict, iterations: int) -> dict:
    if scheduler.by_epoch:
        return saved
    moved = {name: saved[name] + iterations for name in ('last_step', '_global_step')}
    return scheduler.state_dict() | moved


def _scale_lr(runner: Runner, saved_groups: list[dict]) -> None:
    """Scale the saved learning rates by the factor of ``auto_scale_lr`` in the new run."""
    for group, saved in zip(runner.optim_wrapper.param_groups, saved_groups, strict=True):
        if saved.get('initial_lr'):
            saved['lr'] *= group['initial_lr'] / saved['initial_lr']
            saved['initial_lr'] = group['initial_lr']
