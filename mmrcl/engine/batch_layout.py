"""Resuming with other processes or batches: the same share of training, not the same steps."""

from dataclasses import asdict, dataclass
from typing import Any

from mmengine.dist import get_world_size
from mmengine.model import BaseAveragedModel
from mmengine.runner import Runner

from mmrcl.features import unwrapped


@dataclass(frozen=True)
class BatchLayout:
    """How a run walks through its epochs.

    Attributes:
        processes: number of ranks.
        batch_size: images a process and iteration.
        accumulation: iterations a step of the optimiser.
        epoch_length: iterations an epoch.
    """

    processes: int
    batch_size: int
    accumulation: int
    epoch_length: int

    @classmethod
    def of(cls, runner: Runner) -> 'BatchLayout':
        """That of a run."""
        loader = runner.train_dataloader
        accumulation = runner.cfg.optim_wrapper.get('accumulative_counts', 1)
        return cls(get_world_size(), loader.batch_size, accumulation, len(loader))

    def __str__(self) -> str:
        return (
            f'{self.processes} x {self.batch_size} images, accumulation {self.accumulation}, '
            f'{self.epoch_length} iterations an epoch'
        )


def save_batch_layout(runner: Runner, checkpoint: dict) -> None:
    """Notes the pace of a run in its checkpoint."""
    checkpoint['meta']['pace'] = asdict(BatchLayout.of(runner))


def rescale_progress(runner: Runner, checkpoint: dict) -> None:
    """Fits the progress in a checkpoint to a run of another pace, in place, with a warning.

    The iteration becomes the one after as many images of the epoch, rounded down to whole steps of
    the optimiser; the schedules and the momentum encoder's go on from there, with the learning
    rate scaled as the new run's is. A checkpoint of the same pace is left alone.
    """
    if 'pace' not in checkpoint['meta']:
        return
    old, new = BatchLayout(**checkpoint['meta']['pace']), BatchLayout.of(runner)
    if old == new:
        return
    runner.logger.warning(
        f'The checkpoint was written by a run of {old}; this one has {new}. Weights, optimiser, '
        'queue and hierarchy carry over. No longer exact: which images share a batch and its batch '
        'norms, the random numbers of each process, and, where the iterations of an epoch differ, '
        'the point of the epoch and of the schedules, to one step of the optimiser.'
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
    """Gives the saved rates the factor that ``auto_scale_lr`` gives the new run."""
    for group, saved in zip(runner.optim_wrapper.param_groups, saved_groups, strict=True):
        if saved.get('initial_lr'):
            saved['lr'] *= group['initial_lr'] / saved['initial_lr']
            saved['initial_lr'] = group['initial_lr']
