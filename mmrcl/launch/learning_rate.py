"""The linear scaling rule for the learning rate."""

from dataclasses import dataclass

from mmengine.dist import get_world_size
from mmengine.runner import Runner


@dataclass(frozen=True)
class LearningRate:
    """The learning rate of a config and the global batch of a run.

    Attributes:
        configured: learning rate of the config.
        batch_size: images per process and iteration.
        processes: number of processes.
        accumulation: iterations per optimiser step.
        base_batch_size: the batch size that ``configured`` is for, or None if the config has none.
        enabled: whether to scale.
    """

    configured: float
    batch_size: int
    processes: int
    accumulation: int
    base_batch_size: int | None
    enabled: bool

    @property
    def global_batch(self) -> int:
        """Images per optimiser step."""
        return self.batch_size * self.processes * self.accumulation

    @property
    def factor(self) -> float:
        """Factor of the linear scaling rule (Goyal et al., 2017)."""
        return self.global_batch / (self.base_batch_size or self.global_batch)

    def __str__(self) -> str:
        """Format one line for the log."""
        start = (
            f'Global batch {self.global_batch} = {self.batch_size} per process x {self.processes} '
            f'processes x {self.accumulation} accumulated; lr {self.configured:g} of the config'
        )
        if self.base_batch_size is None:
            return f'{start}, which has no auto_scale_lr.base_batch_size'
        start = f'{start} is for batch {self.base_batch_size}'
        scaled = f'{self.configured * self.factor:g} (factor {self.factor:g})'
        if self.enabled:
            return f'{start}: scaled to {scaled}'
        if self.factor == 1:
            return start
        return f'{start}: not scaled; --auto-scale-lr would make it {scaled}'


def scale_learning_rate(runner: Runner) -> LearningRate | None:
    """Scale the learning rate before the run starts if the config enables it, and log it.

    mmengine's own scaling ignores gradient accumulation, so it is disabled. The learning rate in
    the runner's config does not change, so a new run from that config scales only once.

    Returns:
        The logged learning rate, or None for several optimisers or a loader without a batch size,
        which are left to mmengine.

    Raises:
        ValueError: if scaling is enabled without ``base_batch_size``.
    """
    wrapper = runner.optim_wrapper
    rate = wrapper.get('optimizer', {}).get('lr')
    batch_size = getattr(runner.train_dataloader.batch_sampler, 'batch_size', None)
    if rate is None or batch_size is None:
        return None
    scaling = runner.auto_scale_lr or {}
    if scaling.get('enable') and 'base_batch_size' not in scaling:
        raise ValueError(
            'auto_scale_lr.enable=True needs auto_scale_lr.base_batch_size: set it to the batch '
            'size that the learning rate of the config is for'
        )
    found = LearningRate(
        configured=rate,
        batch_size=batch_size,
        processes=get_world_size(),
        accumulation=wrapper.get('accumulative_counts', 1),
        base_batch_size=scaling.get('base_batch_size'),
        enabled=scaling.get('enable', False),
    )
    runner.logger.info(found)
    if found.enabled:
        optimizer = dict(wrapper['optimizer'], lr=rate * found.factor)
        runner.optim_wrapper = dict(wrapper, optimizer=optimizer)
        runner.auto_scale_lr = None
    return found
