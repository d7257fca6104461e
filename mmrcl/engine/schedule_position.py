"""Optimiser settings and schedules of a run that resumes with others than its checkpoint's."""

import copy
from types import SimpleNamespace
from typing import Any

from mmengine.runner import Runner

# What a scheduler counts or computes; the rest of its state are settings.
_PROGRESS = ('last_step', '_global_step', '_last_value', 'base_values', 'verbose')

Group = dict[str, Any]
"""A group of parameters of an optimiser: its parameters and their settings by name."""


def take_own_schedules(runner: Runner, checkpoint: dict[str, Any]) -> None:
    """Put the run's own optimiser settings and schedules into a checkpoint, with a warning.

    mmengine would continue with those of the checkpoint. The values are those that the run would
    have if it had used its schedules from the start. Nothing changes if both are the same.
    """
    groups, saved = runner.optim_wrapper.param_groups, _saved_groups(checkpoint['optimizer'])
    schedulers = runner.param_schedulers or []
    scheduled = {scheduler.param_name for scheduler in schedulers}
    settings = [_settings(scheduler.state_dict()) for scheduler in schedulers]
    if settings == [_settings(state) for state in checkpoint.get('param_schedulers') or []]:
        pairs = zip(groups, saved, strict=True)
        if all(_same(group, before, scheduled) for group, before in pairs):
            return
    meta = checkpoint['meta']
    length = len(runner.train_dataloader)
    states = replay(schedulers, groups, meta['epoch'], meta['iter'], length)
    checkpoint['param_schedulers'] = states
    new = [
        {**group, 'params': before['params']} for group, before in zip(groups, saved, strict=True)
    ]
    for scheduler, state in zip(schedulers, states, strict=True):
        for group, value in zip(new, state['_last_value'], strict=True):
            group[scheduler.param_name] = value
    count = len(checkpoint['optimizer']['param_groups'])
    checkpoint['optimizer']['param_groups'] = new[:count]
    if new[count:]:
        checkpoint['optimizer']['base_param_settings'] = new[count]
    runner.logger.warning(
        'The optimiser and its schedules go on with the settings of this run: lr '
        f'{saved[0].get("lr"):g} of the checkpoint becomes {new[0]["lr"]:g}'
    )


def _saved_groups(optimizer: dict[str, Any]) -> list[Group]:
    """Return the groups of a saved optimiser, as ``param_groups`` of mmengine's wrapper has them.

    Beside several groups mmengine keeps one without trained parameters, for the base rate.
    """
    base = optimizer.get('base_param_settings')
    return optimizer['param_groups'] + ([] if base is None else [base])


def _settings(state: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in state.items() if key not in _PROGRESS}


def _same(group: Group, saved: Group, scheduled: set[str]) -> bool:
    """Compare what does not change in training; torch's versions differ in further entries."""
    fixed = group.keys() & saved.keys() - scheduled - {'params'}
    return all(group[key] == saved[key] for key in fixed)


def replay(
    schedulers: list[Any], groups: list[Group], epoch: int, iteration: int, length: int
) -> list[dict[str, Any]]:
    """Return the states that new schedulers have at a position of the training.

    Args:
        schedulers: mmengine's, as they are before the first step. They are not changed.
        groups: groups of parameters that they were built for.
        epoch: number of complete epochs.
        iteration: number of complete iterations.
        length: iterations of an epoch.
    """
    # Hundreds of groups have few different settings, and a schedule is a recursion over all steps.
    kinds = [repr(sorted(_without_parameters(group).items())) for group in groups]
    first = {kind: place for place, kind in reversed(list(enumerate(kinds)))}
    chosen = list(first.values())
    place_of = {kind: place for place, kind in enumerate(first)}
    optimizer = SimpleNamespace(
        param_groups=[_without_parameters(groups[place]) for place in chosen],
        step=SimpleNamespace(_with_counter=True),
        _global_step=0,
    )
    copies = [copy.copy(scheduler) for scheduler in schedulers]
    for one in copies:
        one.optimizer = optimizer
        one.base_values = [one.base_values[place] for place in chosen]
    for done in range(1, iteration + 1):
        _step(copies, by_epoch=False)
        if done % length == 0 and done // length <= epoch:
            _step(copies, by_epoch=True)
    states = []
    for scheduler, one in zip(schedulers, copies, strict=True):
        values = [group[one.param_name] for group in optimizer.param_groups]
        progress = dict(last_step=one.last_step, _global_step=one._global_step)
        progress['_last_value'] = [values[place_of[kind]] for kind in kinds]
        states.append(scheduler.state_dict() | progress)
    return states


def _without_parameters(group: Group) -> Group:
    return {key: value for key, value in group.items() if key != 'params'}


def _step(schedulers: list[Any], by_epoch: bool) -> None:
    for scheduler in schedulers:
        if scheduler.by_epoch == by_epoch:
            scheduler.step()
