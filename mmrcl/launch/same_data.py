"""Which data sets of a config read the images that the run trains on."""

import os
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.config import Config

from mmrcl.errors import ConfigError

# Settings of a data set that choose neither images nor their order.
_NEUTRAL = (
    *('pipeline', 'download', 'metainfo', 'classes'),
    *('lazy_init', 'serialize_data', 'test_mode', 'max_refetch'),
)
# They read whatever folder they are given; other types stand for one collection of images.
_ANY_FOLDER = ('CustomDataset', 'HuggingFaceDataset', 'ImageFolder', 'TarShards')

# Settings of wrappers that hold another data set.
_WRAPPED = ('dataset', 'labeled', 'unlabeled')


def plain_loader(config: Config) -> Any:
    """Return the config of the loader over the training images in order, without augmentation.

    That is the loader of the clustering hook, or ``plain_train_dataloader`` if it reads the images
    of ``train_dataloader``.

    Raises:
        ConfigError: if there is neither.
    """
    hook = (config.get('default_hooks') or {}).get('clustering') or {}
    if 'dataloader' in hook:
        return hook['dataloader']
    loader = config.get('plain_train_dataloader')
    if loader is None or not _same_images(config, loader):
        raise ConfigError(
            'the config has no loader over the training images without augmentation: set '
            'default_hooks.clustering.dataloader or, without clustering, plain_train_dataloader, '
            'to the data set of train_dataloader with the test-time pipeline'
        )
    return loader


def plain_pipeline(config: Config) -> list[dict[str, Any]]:
    """Return the test-time transforms, empty if the config has none.

    They are those of ``test_dataloader``. Without one, or if it reads another collection of images
    than the training, as in a config whose base is for other images, they are those of
    :func:`plain_loader`; a warning says if the other collection's are used.
    """
    loader = config.get('test_dataloader') or {}
    if not loader or _other_collection(config, loader):
        try:
            loader = plain_loader(config)
        except ConfigError as error:
            if not loader:
                return []
            warnings.warn(
                f'images are read by the pipeline of test_dataloader, which is for '
                f'{_described(loader)}: {error}',
                stacklevel=2,
            )
    return (loader.get('dataset') or {}).get('pipeline') or []


def check_clustered(config: Config) -> None:
    """Reject a clustering hook that reads other images than the training.

    Raises:
        ConfigError: with both data sets.
    """
    hook = (config.get('default_hooks') or {}).get('clustering') or {}
    if 'dataloader' in hook and not _same_images(config, hook['dataloader']):
        clustered, trained = (
            hook['dataloader'].get('dataset'),
            config.train_dataloader.get('dataset'),
        )
        raise ConfigError(
            f'default_hooks.clustering.dataloader.dataset has {_difference(clustered, trained)}, '
            f'but train_dataloader.dataset has {_difference(trained, clustered)}: set both to the '
            'same data set, the first with the test-time pipeline'
        )


def _difference(first: Any, second: Any) -> str:
    """List the settings of a data set that choose other images than another one's."""
    own, other = _choice(first or {}), _choice(second or {})
    changed = [
        f'{key}={own.get(key)}' for key in {**own, **other} if own.get(key) != other.get(key)
    ]
    return ', '.join(changed)


def check_scored(config: Config) -> None:
    """Reject a test on another collection of images than the training's, before any download.

    Raises:
        ConfigError: with the first loader that reads another collection.
    """
    loaders = {
        'test_dataloader': config.test_dataloader,
        'test_cfg.train_dataloader': config.test_cfg.get('train_dataloader'),
    }
    present = [setting for setting, loader in loaders.items() if loader is not None]
    for setting in present:
        if _other_collection(config, loaders[setting]):
            raise ConfigError(
                f'{setting} reads {_described(loaders[setting])}, but train_dataloader reads '
                f'{_described(config.train_dataloader)}: set {" and ".join(present)} to labelled '
                'images of yours (docs/custom_dataset.md), or add --transfer to score on these'
            )


def other_images_of_hooks(config: Config) -> Iterator[str]:
    """Yield a sentence for each named hook that measures on another collection of images."""
    for name, hook in (config.get('default_hooks') or {}).items():
        for key in hook or ():
            if key.endswith('dataloader') and _other_collection(config, hook[key]):
                yield (
                    f'default_hooks.{name}.{key} reads {_described(hook[key])}, not the images of '
                    f'train_dataloader, {_described(config.train_dataloader)}: if this is not '
                    f'meant, set it, or remove the hook by default_hooks.{name}=None'
                )


def _same_images(config: Config, loader: Mapping[str, Any]) -> bool:
    trained = config.get('train_dataloader') or {}
    return bool(_choice(loader.get('dataset')) == _choice(trained.get('dataset')))


def _choice(node: Any) -> Any:
    """Return the settings of a data set that choose its images, in one form."""
    if isinstance(node, Mapping):
        chosen = {key: _choice(value) for key, value in node.items() if key not in _NEUTRAL}
        return {key: value for key, value in chosen.items() if value not in (None, '', {})}
    if isinstance(node, (list, tuple)):
        return [_choice(each) for each in node]
    return node.rstrip('/').removeprefix('mmrcl.') if isinstance(node, str) else node


def _other_collection(config: Config, loader: Mapping[str, Any]) -> bool:
    """Return whether a loader reads a collection of images that the training does not."""
    trained = list(_parts((config.get('train_dataloader') or {}).get('dataset') or {}))
    kinds = {*_ANY_FOLDER, *map(_kind, trained)}
    return bool(trained) and any(
        _kind(each) not in kinds
        and not any(_nested(_folder(each), _folder(own)) for own in trained)
        for each in _parts(loader.get('dataset') or {})
    )


def _parts(dataset: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the data sets inside wrappers."""
    inner = dataset.get('datasets') or [dataset.get(key) for key in _WRAPPED]
    wrapped = [each for each in inner if isinstance(each, Mapping)]
    for each in wrapped:
        yield from _parts(each)
    if not wrapped and 'type' in dataset:
        yield dataset


def _kind(dataset: Mapping[str, Any]) -> str:
    return str(dataset.get('type')).rpartition('.')[2]


def _folder(dataset: Mapping[str, Any]) -> str:
    prefix = dataset.get('data_prefix') or ''
    below = prefix if isinstance(prefix, str) else prefix.get('img_path') or ''
    return os.path.join(dataset.get('data_root') or '', below)


def _nested(first: str, second: str) -> bool:
    """Return whether one folder holds the other; '' is no folder."""
    if not (first and second):
        return False
    paths = [os.path.realpath(os.path.expanduser(path)) for path in (first, second)]
    return os.path.commonpath(paths) in paths


def _described(loader: Mapping[str, Any]) -> str:
    first = next(_parts(loader['dataset']))
    folder = _folder(first)
    return f'{_kind(first)} in {folder}' if folder else _kind(first)
