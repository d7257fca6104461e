"""Resume with another number of processes or batch size, at the same share of the training."""

from dataclasses import asdict, dataclass

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
        batch_size = loader.batch_sampler.batch_size
        return cls(get_world_size(), batch_size, accumulation, len(loader))

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
    complete optimiser steps. The momentum encoder continues from there. Nothing changes if the
    layout is the same.
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
    meta = checkpoint['meta']
    done = meta['iter'] - meta['epoch'] * old.epoch_length
    position = done * new.epoch_length // old.epoch_length // new.accumulation * new.accumulation
    meta['iter'] = meta['epoch'] * new.epoch_length + position
    for name, module in unwrapped(runner.model).named_modules():
        if isinstance(module, BaseAveragedModel):
            checkpoint['state_dict'][f'{name}.steps'].fill_(meta['iter'])
