"""Fit the schedules of a config to another number of epochs, and report those that do not fit."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any

from mmengine.config import Config

from mmrcl.errors import ConfigError

from .config_checks import dicts

_WARM_UPS = ('LinearLR', 'ConstantLR', 'QuadraticWarmupLR')
# Lengths of repeated phases of a schedule.
_PERIODS = ('step_size', 'periods', 'total_steps')


@dataclass(frozen=True)
class Stretch:
    """Map from the epochs of a training to those of a shorter or longer one.

    A warm-up keeps its length in a longer training and shrinks in proportion in a shorter one, to
    at least one epoch. The rest of the training is mapped linearly onto the rest of the other.

    Attributes:
        old: number of epochs.
        new: number of epochs of the other training.
        warm_up: epochs of ``old`` before the main phase.
    """

    old: int
    new: int
    warm_up: int = 0

    def warm_up_of(self, length: float) -> int:
        """Return the length of a warm-up in the new training; one epoch has room for none."""
        if not length:
            return 0
        shrunk = round(length * min(1, self.new / self.old))
        return min(max(shrunk, 1), self.new - 1)

    def epoch(self, epoch: float) -> int:
        """Return where an epoch of the old training lies in the new one."""
        start = self.warm_up_of(self.warm_up)
        if epoch < self.warm_up:
            return round(epoch * start / self.warm_up)
        share = (epoch - self.warm_up) / (self.old - self.warm_up)
        return start + round(share * (self.new - start))

    def period(self, length: float) -> int:
        """Return the length of a phase that scales with the training."""
        return max(1, round(length * self.new / self.old))


def rescale_epochs(config: Config, epochs: int) -> None:
    """Change the length of a training and everything in the config that follows from it, in place.

    These are ``train_cfg.max_epochs``, all of ``param_scheduler`` and ``warmup_epochs`` of the
    hooks. Intervals between two events stay. The momentum encoder's schedule follows by itself.

    Raises:
        ConfigError: for less than one epoch, or a training that is counted in iterations.
    """
    old = (config.get('train_cfg') or {}).get('max_epochs')
    if old is None:
        raise ConfigError(
            '--epochs: train_cfg has no max_epochs, so this training is counted in iterations: set '
            'train_cfg.max_iters and param_scheduler'
        )
    if min(old, epochs) < 1:
        raise ConfigError(f'--epochs={epochs}, max_epochs={old}: both must be at least 1')
    stretch = Stretch(old, epochs, _warm_up(config, old))
    config.train_cfg.max_epochs = epochs
    for scheduler in _schedulers(config):
        _rescale(scheduler, stretch)
    if isinstance(config.get('param_scheduler'), list):
        kept = [one for one in config.param_scheduler if one.get('end', inf) > one.get('begin', 0)]
        config.param_scheduler = kept
    for section in ('default_hooks', 'custom_hooks'):
        for node in dicts(config.get(section)):
            if 'warmup_epochs' in node:
                node['warmup_epochs'] = stretch.warm_up_of(node['warmup_epochs'])


def _schedulers(config: Config) -> list[dict[str, Any]]:
    return [node for node in dicts(config.get('param_scheduler')) if 'type' in node]


def _warm_up(config: Config, max_epochs: int) -> int:
    ends = [
        one.get('end', inf)
        for one in _schedulers(config)
        if one['type'] in _WARM_UPS and one.get('by_epoch', True) and not one.get('begin', 0)
    ]
    return max((end for end in ends if end < max_epochs), default=0)


def _rescale(scheduler: dict[str, Any], stretch: Stretch) -> None:
    if not scheduler.get('by_epoch', True):
        _rescale_iterations(scheduler, stretch)
        return
    begin = scheduler.get('begin', 0)
    if scheduler.get('T_max'):
        end = stretch.epoch(begin + scheduler['T_max'])
        scheduler['T_max'] = max(1, end - stretch.epoch(begin))
    if 'milestones' in scheduler:
        scheduler['milestones'] = [stretch.epoch(epoch) for epoch in scheduler['milestones']]
    for key in ('begin', 'end'):
        if scheduler.get(key, inf) != inf:
            scheduler[key] = stretch.epoch(scheduler[key])
    _map(scheduler, _PERIODS, stretch.period)


def _rescale_iterations(scheduler: dict[str, Any], stretch: Stretch) -> None:
    ratio = stretch.new / stretch.old
    if scheduler['type'] in _WARM_UPS:
        ratio = min(1, ratio)
    keys = ('begin', 'end', 'T_max', 'milestones', *_PERIODS)
    _map(scheduler, keys, lambda length: round(length * ratio))


def _map(
    scheduler: dict[str, Any], keys: tuple[str, ...], function: Callable[[float], int]
) -> None:
    for key in keys:
        value = scheduler.get(key, inf)
        if isinstance(value, (list, tuple)):
            scheduler[key] = [function(one) for one in value]
        elif value not in (None, inf):
            scheduler[key] = function(value)


def unfit_schedules(config: Config) -> str | None:
    """Describe the schedules that end at another epoch than the training, None if all fit."""
    max_epochs = (config.get('train_cfg') or {}).get('max_epochs')
    if not max_epochs:
        return None
    schedulers = config.get('param_scheduler')
    named = {'param_scheduler': schedulers}
    if isinstance(schedulers, list):
        named = {f'param_scheduler.{place}': one for place, one in enumerate(schedulers)}
    found = [(one['type'], _ends(name, one, max_epochs)) for name, one in named.items() if one]
    wrong = [name for _, ends in found for name, end in ends.items() if end > max_epochs]
    main = [ends for kind, ends in found if kind not in _WARM_UPS]
    last = max((max(ends.values(), default=inf) for ends in main), default=inf)
    if last < max_epochs:
        wrong += [name for ends in main for name, end in ends.items() if end == last]
    if not wrong:
        return None
    return (
        f'train_cfg.max_epochs={max_epochs}, but schedules end at another epoch: '
        f'{", ".join(wrong)}. --epochs changes the length of a training with its schedules'
    )


def _ends(name: str, scheduler: dict[str, Any], max_epochs: int) -> dict[str, float]:
    """Return the epoch at which a scheduler ends, by the settings that say so."""
    if not scheduler.get('by_epoch', True):
        return {}
    ends: dict[str, float] = {}
    begin, end, length = (scheduler.get(key) for key in ('begin', 'end', 'T_max'))
    if end not in (None, inf):
        ends[f'{name}.end={end}'] = end
    if length:
        start = f' from epoch {begin}' if begin else ''
        ends[f'{name}.T_max={length}{start}'] = (begin or 0) + length
    milestones = scheduler.get('milestones') or [0]
    if milestones[-1] >= max_epochs:
        ends[f'{name}.milestones={list(milestones)}'] = milestones[-1] + 1
    return ends
