"""Checks that labels, heads and metrics of a classifier are about the same classes."""

from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from mmrcl.checkpoint import load_weights
from mmrcl.datasets import check_same_classes, class_names, compare_classes
from mmrcl.errors import ConfigError
from mmrcl.features import classes_of

from .config_checks import dicts

# Classifiers of mmpretrain and mmdet that learn the classes of the data set.
_HEADS = ('head', 'roi_head.bbox_head', 'roi_head.mask_head')


def check_top_k(config: Config, section: str) -> None:
    """Reject a top-k accuracy of more classes than the classifier has.

    Args:
        config: The config.
        section: ``'val_evaluator'`` or ``'test_evaluator'``.

    Raises:
        ConfigError: With both settings.
    """
    count = _head(config, 'head').get('num_classes')
    for metric in dicts(config.get(section)):
        if count is None or not str(metric.get('type')).endswith('Accuracy'):
            continue
        topk = metric.get('topk', 1)
        largest = topk if isinstance(topk, int) else max(topk)
        if largest > count:
            raise ConfigError(
                f'topk={topk} of {section} needs at least {largest} classes, and '
                f'model.head.num_classes={count}: set topk=(1,) in val_evaluator and test_evaluator'
            )


def check_training_classes(runner: Runner, trust: bool = False) -> None:
    """Reject training labels that do not fit head, validation set or the resumed checkpoint.

    Args:
        runner: the runner.
        trust: run code that the checkpoint may contain.

    Raises:
        ConfigError: With the settings that disagree.
    """
    train = runner.train_dataloader.dataset
    check_num_classes(runner.cfg, 'train_dataloader', train)
    if runner.val_loop is not None:
        val = runner.val_dataloader.dataset
        check_num_classes(runner.cfg, 'val_dataloader', val)
        check_same_classes(train, val, ('train_dataloader', 'val_dataloader'))
    if runner.cfg.get('resume') and runner.cfg.get('load_from'):
        _check_trained(runner.cfg.load_from, trust, 'train_dataloader', train)


def check_test_classes(runner: Runner, trust: bool = False) -> None:
    """Reject test labels that do not fit the head or the classes that it was trained with.

    A test of a representation reads no classes from its checkpoint.

    Args:
        runner: the runner.
        trust: run code that the checkpoint may contain.

    Raises:
        ConfigError: With the settings that disagree.
    """
    if runner.cfg.test_cfg.get('type') == 'RepresentationTestLoop':
        return
    test = runner.test_dataloader.dataset
    check_num_classes(runner.cfg, 'test_dataloader', test)
    if runner.cfg.get('load_from'):
        _check_trained(runner.cfg.load_from, trust, 'test_dataloader', test)


def check_num_classes(config: Config, setting: str, dataset: Any) -> None:
    """Reject a data set with more classes than a head of the model.

    Labels are read only if the data set does not name its classes.

    Raises:
        ConfigError: With both settings.
    """
    limits = {path: _head(config, path).get('num_classes') for path in _HEADS}
    known = {path: limit for path, limit in limits.items() if isinstance(limit, int)}
    count = _count(dataset) if known else 0
    for path, limit in known.items():
        if count > limit:
            raise ConfigError(
                f'{setting} has {count} classes, more than model.{path}.num_classes={limit}: set '
                f'it to {count}'
            )


def _head(config: Config, path: str) -> dict[str, Any]:
    node: Any = config.model
    for key in path.split('.'):
        node = node.get(key) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else {}


def _count(dataset: Any) -> int:
    names = class_names(dataset)
    if names is not None:
        return len(names)
    labels = classes_of(dataset)
    return 0 if labels is None else int(labels.max()) + 1


def _check_trained(checkpoint: str, trust: bool, setting: str, dataset: Any) -> None:
    _, meta = load_weights(checkpoint, trust)
    trained = (meta.get('dataset_meta') or {}).get('classes')
    compare_classes(trained, class_names(dataset), (checkpoint, setting))
