"""Validate a config before any work starts."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmrcl.checkpoint import is_whole
from mmrcl.errors import ConfigError

from .dataset_files import missing_pieces
from .renamed import check_hooks, check_names

SCOPES = ('mmrcl', 'mmdet')


def check_config(config: Config) -> None:
    """Reject a config without the keys that training and testing need."""
    remedies = {
        'model': 'start from one of configs/ by _base_',
        'default_scope': "add default_scope='mmrcl', as configs/_base_/default_runtime.py does",
    }
    for key, remedy in remedies.items():
        if key not in config:
            raise ConfigError(f'the config sets no {key}: {remedy}')
    check_names(dicts(config._cfg_dict))
    check_hooks(config.get('default_hooks') or {}, config.get('custom_hooks') or [])
    if config.default_scope not in SCOPES:
        raise ConfigError(
            f"default_scope='{config.default_scope}' is unknown: set default_scope='mmrcl', or "
            "'mmdet' for detection"
        )
    types = {str(node.get('type')) for node in dicts(config.model)}
    if config.get('sync_bn') and types & {'LibraryBackbone', 'mmrcl.LibraryBackbone'}:
        raise ConfigError(
            'sync_bn would drop the activations in the norms of timm: remove sync_bn, the norms of '
            'LibraryBackbone are synchronised already'
        )


def check_paths(config: Config, sections: Sequence[str]) -> None:
    """Reject folders and files that do not exist, in the given sections."""
    used = [config.get(section) for section in sections]
    if missing := missing_pieces(dicts(used)):
        raise ConfigError('\n- '.join(['the data is not complete', *missing]))
    for node in dicts(used):
        for key in ('data_root', 'ann_file', 'checkpoint', 'pretrained'):
            check_path(node, key)


def check_path(node: dict[str, Any], key: str) -> None:
    """Reject a file or folder, set under ``key``, that does not exist."""
    value = node.get(key)
    if not isinstance(value, str) or not value or '://' in value or node.get('download'):
        return
    root = node.get('data_root', '') if key == 'ann_file' else ''
    path = Path(root, value).expanduser()
    if not path.exists() and key == 'load_from':
        raise ConfigError(f'checkpoint {value} does not exist: pass another one')
    if not path.exists():
        kind = node.get('type', 'the config')
        remedy = 'set it to where your data is'
        if key not in ('ann_file', 'data_root'):
            remedy = 'set it to an existing file'
        raise ConfigError(f'{key}={value} of {kind} does not exist: {remedy}')
    if key == 'load_from' and not is_whole(path):
        raise ConfigError(f'{key}={value} is torn or no checkpoint: pass another one')


def check_sync_bn(config: Config) -> None:
    """Reject torch's synchronised batch norm on the CPU, which it does not support.

    A single process without a process group is fine: there it is plain batch norm. mmrcl's own,
    which ``SyncBN`` names in mmrcl's scope, runs anywhere.
    """
    own = {'SyncBN', 'mmrcl.SyncBN'} if config.default_scope == 'mmrcl' else set()
    types = {str(node.get('type')) for node in dicts(config.model)} - own
    if config.get('sync_bn') or any('SyncBN' in name for name in types):
        raise ConfigError(
            'sync_bn, and SyncBN of mmengine or mmdet, need GPUs, and these processes would train '
            'on the CPU: use --launcher none, or remove sync_bn and set every norm_cfg to '
            'dict(type="SyncBN") in a config of mmrcl, and dict(type="BN") in one of mmdet'
        )


def dicts(node: Any) -> Iterator[dict[str, Any]]:
    """Yield all dicts of a nested config, outer ones first."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from dicts(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from dicts(value)
