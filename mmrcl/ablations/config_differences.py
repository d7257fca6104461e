"""What of a config decides a run's result, and where two configs differ in it."""

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
# Where the data lies and how it is read; which draws of the labels are scored is asked for anew.
_OF_NO_ACCOUNT = (
    'data_root',
    'download',
    'num_workers',
    'pin_memory',
    'persistent_workers',
    'seeds',
)
# Hooks that only measure, log or save. Random numbers follow from seed and iteration, so these
# change nothing.
_WITHOUT_INFLUENCE = (
    'CheckpointHook',
    'CollapseHook',
    'HierarchyMonitorHook',
    'IterTimerHook',
    'KNNHook',
    'LoggerHook',
    'NonFiniteLossHook',
    'PairMonitorHook',
    'ParamSchedulerHook',
    'PreemptionHook',
    'SafeCheckpointHook',
    'UnreadableImageHook',
    'VisualizationHook',
)

Settings = dict[str, Any]
"""Values, or empty lists and dicts, by their dotted keys."""


def settings_of(config: Config) -> Settings:
    """The settings that decide weights and scores; a tuple counts as a list."""
    chosen = {key: config.get(key) for key in _SECTIONS}
    named = config.get('default_hooks', {}).items()
    chosen['default_hooks'] = {name: hook for name, hook in named if _decides(hook)}
    chosen['custom_hooks'] = [hook for hook in chosen['custom_hooks'] or [] if _decides(hook)]
    return dict(_leaves(json.loads(json.dumps(chosen, default=str)), ''))


def _decides(hook: dict[str, Any] | None) -> bool:
    return hook is not None and hook['type'] not in _WITHOUT_INFLUENCE


def differences(old: Settings, new: Settings) -> list[str]:
    """Sentences such as ``train_cfg.max_epochs was 40 and is 60``, in order of the keys."""
    keys = sorted({*old, *new})
    absent = 'not set'
    pairs = [(key, old.get(key, absent), new.get(key, absent)) for key in keys]
    return [f'{key} was {before} and is {now}' for key, before, now in pairs if before != now]


def recorded_config(folder: Path) -> Config | None:
    """The config with which the latest training in a work dir started, None before any."""
    found = sorted(folder.glob('*/vis_data/config.py'))
    return Config.fromfile(found[-1]) if found else None


def _leaves(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(node, (dict, list)) or not node:
        yield path, node
        return
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        if key not in _OF_NO_ACCOUNT:
            yield from _leaves(value, f'{path}.{key}' if path else str(key))
