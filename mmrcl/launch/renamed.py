"""Names of earlier versions in a config, and what they are called now."""

from collections.abc import Iterable
from typing import Any

from mmrcl.errors import ConfigError

_TYPES = {'OwnViewRetriever': 'SameImageRetriever'}
_SETTINGS = {
    'exclude_mates': 'exclude_same_cluster',
    'judged_negative': "negative_pairs ('literal' is 'repel', 'left_out' is 'ignore')",
}


def check_names(nodes: Iterable[dict[str, Any]], custom_hooks: Iterable[dict[str, Any]]) -> None:
    """Reject the names of earlier versions.

    Args:
        nodes: every dict of a config.
        custom_hooks: hooks that are listed rather than named.

    Raises:
        ConfigError: naming the new name.
    """
    for node in nodes:
        check_setting(*node)
        old = node.get('type')
        if isinstance(old, str) and old in _TYPES:
            raise ConfigError(f"type='{old}' was renamed: write type='{_TYPES[old]}'")
    for hook in custom_hooks:
        if hook.get('type') == 'HierarchicalClusteringHook':
            raise ConfigError(
                'custom_hooks holds HierarchicalClusteringHook, which has a name now: move it to '
                'default_hooks=dict(clustering=dict(type="HierarchicalClusteringHook", ...))'
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
        named = '.'.join(['default_hooks', 'clustering', *rest[1:]])
        raise ConfigError(
            f'--cfg-options: {option} addresses a hook by its position: hooks have names, such as '
            f'{named}'
        )


def new_file_name(path: str) -> str:
    """End of a sentence that names the new name of a config file, empty where there is none."""
    renamed = path.replace('own-view_', 'instance-discrimination_')
    return '' if renamed == path else f': it was renamed to {renamed}'


def new_base_key(key: str | None) -> str:
    """End of a sentence on a setting that bases no longer have, empty for any other."""
    if key != 'custom_hooks':
        return ''
    return ': hooks have names, override them as in default_hooks=dict(clustering=dict(...))'
