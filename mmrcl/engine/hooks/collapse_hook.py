"""Detection of encoder collapse, which the loss may not show."""

from typing import Any, Literal, NamedTuple

import torch
from mmengine.dist import all_gather, broadcast
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from mmrcl.errors import TrainingError
from mmrcl.evaluation import effective_rank, mean_deviation
from mmrcl.features import eval_mode, resumable, unwrapped
from mmrcl.models import named_neck
from mmrcl.registry import HOOKS

from ..scalars import log_scalars

_REMEDY = (
    'try a lower learning rate or a longer warm-up, batch norm after the projector '
    '(model.neck.with_last_bn=True), a slower momentum encoder (a smaller model.base_momentum), '
    'a lower temperature; and see whether one cluster of the hierarchy holds most images'
)


class Spread(NamedTuple):
    """Spread of the projections.

    Attributes:
        deviation: mean deviation, see :func:`mmrcl.evaluation.mean_deviation`.
        rank: effective rank, see :func:`mmrcl.evaluation.effective_rank`.
    """

    deviation: float
    rank: float


@HOOKS.register_module()
class CollapseHook(Hook):
    """Warn or stop when the projections of different images become equal.

    A fixed sample of images, evenly spaced over the data set, is projected in eval mode by the
    query branch, ``neck(backbone(x))[0]``: before the first epoch, for comparison, and every
    ``interval`` epochs, when both measures are compared with their thresholds. They are logged as
    ``collapse/deviation`` and ``collapse/effective_rank``. All ranks share the sample and use the
    values of rank 0. The hook does not change the training.

    The default thresholds are from the digits config (d = 64): a good run had a deviation of 0.35
    and a rank of 19 after the first epoch and at least 0.78 and 25 later, the untrained encoder
    0.10 and 5, and a run with 150 times the learning rate a rank of 3.5 to 7.9. The rank depends on
    width and data, so set the threshold from a good run of your own.

    Args:
        dataloader: config of a loader with the test-time transform; its sampler is replaced.
        num_samples: images to project; a smaller data set is used completely.
        interval: epochs between two measurements.
        min_deviation: alarm below this deviation, in [0, 1]; 0 disables it.
        min_rank: alarm below this effective rank; 0 disables it.
        action: ``'warn'``, or ``'stop'`` to end the run with a :class:`TrainingError`.

    Raises:
        ValueError: for an invalid setting, or a model without such a query branch.
    """

    def __init__(
        self,
        dataloader: dict,
        num_samples: int = 1024,
        interval: int = 1,
        min_deviation: float = 0.3,
        min_rank: float = 4.0,
        action: Literal['warn', 'stop'] = 'warn',
    ) -> None:
        if action not in ('warn', 'stop'):
            raise ValueError(f"action='{action}' of CollapseHook is unknown: use 'warn' or 'stop'")
        if not 0 <= min_deviation <= 1:
            raise ValueError(f'min_deviation={min_deviation} of CollapseHook must lie in [0, 1]')
        if min_rank < 0:
            raise ValueError(f'min_rank={min_rank} of CollapseHook must not be negative')
        if interval < 1:
            raise ValueError(f'interval={interval} of CollapseHook must be at least 1 epoch')
        if num_samples < 2:
            raise ValueError(f'num_samples={num_samples} of CollapseHook must be at least 2')
        sampler = dict(type='mmrcl.EvenlySpacedSampler', num_samples=num_samples)
        self.dataloader_cfg = dict(dataloader, sampler=sampler)
        self.interval = interval
        self.least = Spread(min_deviation, min_rank)
        self.action = action

    def before_train(self, runner: Runner) -> None:
        """Select the sample and, in a fresh run, measure the untrained encoder."""
        model = unwrapped(runner.model)
        if getattr(model, 'backbone', None) is None or getattr(model, 'neck', None) is None:
            raise ValueError(
                f'CollapseHook needs neck(backbone(images)), but {type(model).__name__} lacks '
                'a backbone or a neck: set default_hooks.collapse=None'
            )
        self.dataloader = runner.build_dataloader(resumable(self.dataloader_cfg), runner.seed)
        if runner.iter == 0:
            self._report(runner, self.measure(model), 0)

    def after_train_epoch(self, runner: Runner) -> None:
        """Measure every ``interval`` epochs, and warn or stop below a threshold."""
        if not self.every_n_epochs(runner, self.interval):
            return
        found = self.measure(unwrapped(runner.model))
        self._report(runner, found, runner.epoch + 1)
        # Negated, so that NaN, from a diverged encoder, is an alarm too.
        if not (found.deviation >= self.least.deviation and found.rank >= self.least.rank):
            self._alarm(runner, found)

    def measure(self, model: Any) -> Spread:
        """Measure the spread of the sample's projections, the same on every rank.

        Args:
            model: model with ``backbone``, ``neck`` and ``data_preprocessor``.
        """
        # A loader draws a random seed for its workers at each start: keep the training's generator.
        with torch.random.fork_rng(devices=()), eval_mode(model):
            shard = [_project(model, batch) for batch in self.dataloader]
        projections = torch.cat(all_gather(torch.cat(shard)))
        found = [mean_deviation(projections), effective_rank(projections)]
        shared = torch.tensor(found, dtype=torch.float64, device=projections.device)
        broadcast(shared)
        return Spread(*shared.tolist())

    def _report(self, runner: Runner, found: Spread, epochs: int) -> None:
        runner.logger.info(
            f'Spread of the projections after {epochs} epochs: deviation {found.deviation:.3f}, '
            f'effective rank {found.rank:.1f}'
        )
        scalars = {
            'collapse/deviation': found.deviation,
            'collapse/effective_rank': found.rank,
        }
        log_scalars(runner, scalars, epochs)

    def _alarm(self, runner: Runner, found: Spread) -> None:
        message = (
            f'the encoder has collapsed or is about to, after epoch {runner.epoch + 1}: its '
            f'projections have deviation {found.deviation:.3f} '
            f'(min_deviation={self.least.deviation}) and effective rank {found.rank:.2f} '
            f'(min_rank={self.least.rank}); {_REMEDY}'
        )
        if self.action == 'stop':
            raise TrainingError(message)
        runner.logger.warning(message)


def _project(model: Any, batch: dict) -> Tensor:
    images = model.data_preprocessor(batch, False)['inputs']
    maps = model.backbone(images)
    with named_neck(model.neck, maps if isinstance(maps, (tuple, list)) else [maps]):
        outputs = model.neck(maps)
    projection = outputs[0] if isinstance(outputs, (tuple, list)) else outputs
    if projection.ndim != 2:
        raise ValueError(
            f'CollapseHook needs projections of shape (N, d), but the neck of '
            f'{type(model).__name__} returns {tuple(projection.shape)}: set '
            'default_hooks.collapse=None'
        )
    return projection.float()
