"""The config in a checkpoint: data that may name only parts which run no code of their own."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import Registry

from mmrcl.checkpoint import config_from_text
from mmrcl.registry import MODELS, TRANSFORMS

__all__ = ['recorded_config']

# mmengine imports a type that it does not know by its path: `os.system` would be called.
_PACKAGES = (
    'mmcv.cnn.bricks.',
    'mmcv.ops.',
    'mmcv.transforms.',
    'mmengine.utils.dl_utils.parrots_wrapper.',
    'mmpretrain.datasets.transforms.',
    'mmpretrain.models.backbones.',
    'mmpretrain.models.selfsup.mocov3.',  # MoCoV3ViT
    'mmpretrain.models.utils.',
    'mmrcl.',
    'torch.nn.',
)
# timm reads a checkpoint of its own.
_READERS = ('mmpretrain.models.backbones.timm_backbone.',)
_SCOPES = ('mmrcl', 'mmpretrain')


def recorded_config(meta: Mapping[str, Any], checkpoint: str | Path, trust: bool = False) -> Config:
    """Return the config that a checkpoint contains.

    Args:
        meta: metadata of the checkpoint, from :func:`mmrcl.checkpoint.load_weights`.
        checkpoint: its name, for the error message.
        trust: accept a config that names any class or function.

    Raises:
        ValueError: if there is none, or one that could run code.
    """
    if not isinstance(meta.get('cfg'), str):
        raise ValueError(
            f'{checkpoint} contains no config: pass it by --config, or config= in Python'
        )
    recorded = config_from_text(meta['cfg'])
    if not trust:
        _check_names(recorded)
    return recorded


def _check_names(config: Config) -> None:
    """Reject names of what :func:`mmrcl.load_encoder` would build that are not known as safe."""
    model = config.get('model', {})
    hook = (config.get('default_hooks') or {}).get('clustering') or {}
    loaders = [config.get(name) for name in ('test_dataloader', 'plain_train_dataloader')]
    datasets = [(each or {}).get('dataset') or {} for each in [*loaders, hook.get('dataloader')]]
    unknown = [name for name in [config.get('default_scope', 'mmrcl')] if name not in _SCOPES]
    for registry, part in (
        (MODELS, [model.get('backbone'), model.get('data_preprocessor')]),
        (MODELS, config.get('data_preprocessor')),
        (TRANSFORMS, [dataset.get('pipeline') for dataset in datasets]),
    ):
        unknown += [name for name in _types(part) if not _is_known(registry, name)]
    if unknown:
        raise ValueError(
            f'the config in the checkpoint names {unknown[0]}, which could run code: pass the '
            'config by --config, or config= in Python; or trust the checkpoint by '
            '--trust-checkpoint, or trust=True'
        )


def _types(node: Any) -> Iterator[str]:
    """Yield all types with their scopes; those of ``init_cfg`` are never built."""
    if isinstance(node, dict):
        if 'type' in node:
            yield '.'.join(str(node[key]) for key in ('_scope_', 'type') if key in node)
        for key, value in node.items():
            if key != 'init_cfg':
                yield from _types(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from _types(value)


def _is_known(registry: Registry | None, name: str) -> bool:
    scope, key = Registry.split_scope_key(name)
    while registry is not None:
        registry.import_from_location()
        if scope in (None, registry.scope) and key in registry.module_dict:
            module = f'{getattr(registry.module_dict[key], "__module__", "")}.'
            return module.startswith(_PACKAGES) and not module.startswith(_READERS)
        registry = registry.parent
    return False
