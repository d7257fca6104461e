"""Names of earlier versions in a config, and what they are called now."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from mmrcl.errors import ConfigError

_TYPES = {'OwnViewRetriever': 'SameImageRetriever'}
_SETTINGS = {
    'exclude_mates': 'exclude_same_cluster',
    'judged_negative': "negative_pairs ('literal' is 'repel', 'left_out' is 'ignore')",
}


def check_names(nodes: Iterable[dict[str, Any]]) -> None:
    """Reject the names of earlier versions in the dicts of a config.

    Raises:
        ConfigError: naming the new name.
    """
    for node in nodes:
        check_setting(*node)
        old = node.get('type')
        if isinstance(old, str) and old in _TYPES:
            raise ConfigError(f"type='{old}' was renamed: write type='{_TYPES[old]}'")


def check_hooks(named: Mapping[str, Any], listed: Iterable[Any]) -> None:
    """Reject a list of hooks that holds a hook with a name.

    Args:
        named: ``default_hooks``.
        listed: ``custom_hooks``.

    Raises:
        ConfigError: naming the name.
    """
    names = {hook['type']: name for name, hook in named.items() if hook and 'type' in hook}
    names['HierarchicalClusteringHook'] = 'clustering'
    for hook in listed:
        kind = hook.get('type') if isinstance(hook, dict) else None
        if kind in names:
            raise ConfigError(
                f'custom_hooks holds {kind}, which has a name: move it to '
                f'default_hooks=dict({names[kind]}=dict(...))'
            )


def check_setting(*keys: Any) -> None:
    """Reject keys of earlier versions.

    Raises:
        ConfigError: naming the new key.
    """
    for key in keys:
        if key in _SETTINGS:
            raise ConfigError(f'the setting {key} was renamed: write {_SETTINGS[key]}')


def check_hook_path(option: str) -> None:
    """Reject a setting of a hook by its position, as in ``custom_hooks.0.source``.

    Raises:
        ConfigError: naming the name.
    """
    section, *rest = option.split('.')
    if section == 'custom_hooks' and rest and rest[0].isdigit():
        path = ['clustering', *rest[1:]] if rest[0] == '0' else ['knn', 'interval']
        raise ConfigError(
            f'--cfg-options: {option} addresses a hook by its position: hooks have names, such as '
            f'default_hooks.{".".join(path)}'
        )


def new_file_name(message: str) -> str:
    """End of a message that names the new name of a config file, empty where there is none."""
    old = re.search(r'own-view_[\w.-]*', message)
    if old is None:
        return ''
    return f': it was renamed to {old[0].replace("own-view", "instance-discrimination")}'


def new_base_key(key: str | None) -> str:
    """End of a sentence on a setting that bases no longer have, empty for any other."""
    if key != 'custom_hooks':
        return ''
    return ': hooks have names, override them as in default_hooks=dict(clustering=dict(...))'
