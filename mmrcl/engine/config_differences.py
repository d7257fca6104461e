"""The settings of a config that affect a run's result, and their differences between configs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config

_SECTIONS = (
    'model',
    'data_preprocessor',
    'train_dataloader',
    'optim_wrapper',
    'auto_scale_lr',
    'param_scheduler',
    'train_cfg',
    'custom_hooks',
    'randomness',
    'test_dataloader',
    'test_cfg',
)
# Location of the data and how it is loaded. `seeds`, the draws of the labels, is set at scoring.
_IGNORED_KEYS = (
    'data_root',
    'download',
    'num_workers',
    'pin_memory',
    'persistent_workers',
    'seeds',
)
# Hooks that only measure, log or save. Random numbers depend on seed and iteration alone, so these
# hooks do not affect the result.
_PASSIVE_HOOKS = (
    'CheckpointHook',
    'CollapseHook',
    'HierarchyMonitorHook',
    'IterTimerHook',
    'KNNHook',
    'LoggerHook',
    'NonFiniteLossHook',
    'PairMonitorHook',
    'PeakMemoryHook',
    'PreemptionHook',
    'SafeCheckpointHook',
    'UnreadableImageHook',
    'VisualizationHook',
)

Settings = dict[str, Any]
"""Values, or empty lists and dicts, by their dotted keys."""


def settings_of(config: Config) -> Settings:
    """Return the settings that affect weights and scores; tuples become lists."""
    chosen = {key: config.get(key) for key in _SECTIONS}
    named = (config.get('default_hooks') or {}).items()
    chosen['default_hooks'] = {name: hook for name, hook in named if affects_result(hook)}
    chosen['custom_hooks'] = [hook for hook in chosen['custom_hooks'] or [] if affects_result(hook)]
    return dict(_leaves(json.loads(json.dumps(chosen, default=str)), ''))


def affects_result(hook: dict[str, Any] | None) -> bool:
    """Return whether a hook, by its config, does more than to measure, log or save."""
    return hook is not None and hook['type'] not in _PASSIVE_HOOKS


def differences(old: Settings, new: Settings) -> list[str]:
    """List the differences, as in ``train_cfg.max_epochs was 40 and is 60``, sorted by key."""
    keys = sorted({*old, *new})
    absent = 'not set'
    pairs = [(key, old.get(key, absent), new.get(key, absent)) for key in keys]
    return [f'{key} was {before} and is {now}' for key, before, now in pairs if before != now]


def recorded_config(folder: Path) -> Config | None:
    """Return the config of the latest training in a work dir, None if there is none."""
    found = sorted(folder.glob('*/vis_data/config.py'))
    return Config.fromfile(found[-1]) if found else None


def _leaves(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(node, (dict, list)) or not node:
        yield path, node
        return
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        if key not in _IGNORED_KEYS:
            yield from _leaves(value, f'{path}.{key}' if path else str(key))
