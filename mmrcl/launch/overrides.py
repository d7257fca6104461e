"""Check the settings that ``--cfg-options`` override: something must read them."""

import difflib
import inspect
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from mmrcl.errors import ConfigError

from .renamed import check_hook_path, check_setting

# Default hooks of mmengine's Runner, which drops those set to None itself.
HOOKS_OF_MMENGINE = (
    'runtime_info',
    'timer',
    'sampler_seed',
    'logger',
    'param_scheduler',
    'checkpoint',
)
# Keys that mmengine's Runner reads from a config in addition to its arguments.
_FURTHER_KEYS = (
    'activation_checkpointing',
    'compile',
    'efficient_conv_bn_eval',
    'find_unused_parameters',
    'model_wrapper_cfg',
    'sync_bn',
)


def check_overrides(config: Config, options: dict[str, Any], also: Collection[str] = ()) -> None:
    """Reject an override whose path is not in the config, or that nothing reads.

    A config file may keep a part in a variable and copy it into the sections that are read. An
    override of the variable comes after the copy and would have no effect.

    A new last key is accepted: it may be an argument that the config leaves at its default. If it
    is not, the class that receives it raises an error.

    Args:
        config: the config before the overrides.
        options: values by dotted keys.
        also: top-level keys that the caller reads in addition to mmengine's ``Runner``.

    Raises:
        ConfigError: naming the override, and the key to set instead where one is found.
    """
    read = {*inspect.signature(Runner.__init__).parameters, *_FURTHER_KEYS, *also}
    read -= {'self', 'cfg', 'launcher'}
    for option, value in options.items():
        first, *rest = option.split('.')
        if first == 'custom_hooks' and rest and not config.get('custom_hooks'):
            check_hook_path(option)
        check_setting(option.rpartition('.')[2])
        if first == 'launcher':
            raise ConfigError('--cfg-options: launcher would change nothing: use --launcher')
        if first in config and first not in read:
            raise ConfigError(_unread(config, option, read))
        _check_path(config, option, value, read)


def _check_path(config: Config, option: str, value: Any, read: set[str]) -> None:
    node: Any = config._cfg_dict
    *path, last = option.split('.')
    if path and path[0] in read and config.get(path[0]) is None:
        raise ConfigError(f'--cfg-options: {option}: the config has no {path[0]}: set it in a file')
    for depth, key in enumerate(path):
        node = _child(node, key, '.'.join(path[: depth + 1]))
    if not path:
        _known(last, read, last)
    if path == ['default_hooks'] and value is None:
        _known(last, [*node, *HOOKS_OF_MMENGINE], option)


def _child(node: Any, key: str, path: str) -> Any:
    if isinstance(node, (list, tuple)) and key.isdigit() and int(key) < len(node):
        return node[int(key)]
    if not isinstance(node, dict):
        raise ConfigError(f'--cfg-options: {path} is no part of the config')
    _known(key, list(node), path)
    return node[key]


def _known(key: str, known: Collection[str], path: str) -> None:
    if key not in known:
        raise ConfigError(f'--cfg-options: {path} is no part of the config{suggestion(key, known)}')


def suggestion(name: str, known: Iterable[str]) -> str:
    """End of a message about an unknown name: the closest known one, or all of them."""
    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=1)
    return f'; did you mean {close[0]}?' if close else f'; there are {", ".join(names)}'


def _unread(config: Config, option: str, read: Collection[str]) -> str:
    name = option.partition('.')[0]
    start = f'--cfg-options: {option} would change nothing: {name} is a variable of the config file'
    used = {key: value for key, value in config._cfg_dict.items() if key in read}
    copies = _copies(config._cfg_dict, used, option)
    if not copies:
        return f'{start}: set the settings that are made from it, or edit the file'
    return f'{start}, copied when the file is read: set {", ".join(copies)}'


def _copies(whole: Any, used: dict[str, Any], option: str) -> list[str]:
    """List what to set instead: the largest part of ``option`` that has equals in ``used``."""
    node, keys = whole, option.split('.')
    for depth, key in enumerate(keys, 1):
        children = dict(_items(node))
        if key not in children:
            break
        node = children[key]
        if found := list(_equals(used, node, '')):
            return ['.'.join([path, *keys[depth:]]) for path in found]
    return []


def _equals(node: Any, value: Any, path: str) -> Iterator[str]:
    # Numbers are equal by chance.
    if not value or not isinstance(value, (dict, list, tuple, str)):
        return
    for key, child in _items(node):
        place = f'{path}.{key}' if path else key
        if child == value:
            yield place
        else:
            yield from _equals(child, value, place)


def _items(node: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(node, dict):
        return node.items()
    if isinstance(node, (list, tuple)):
        return ((str(place), child) for place, child in enumerate(node))
    return ()
