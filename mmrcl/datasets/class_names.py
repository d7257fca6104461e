"""Names of the classes behind the labels of data sets, to be compared before labels are."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from mmrcl.errors import ConfigError

__all__ = ['check_same_classes', 'class_names', 'compare_classes']


def class_names(dataset: Any) -> list[str] | None:
    """Return the names of the classes in the order of their labels, None if there are none.

    Args:
        dataset: A data set of OpenMMLab, or a wrapper of one with ``metainfo``.
    """
    names = (getattr(dataset, 'metainfo', None) or {}).get('classes')
    return [str(name) for name in names] if names else None


def check_same_classes(first: Any, second: Any, settings: tuple[str, str]) -> None:
    """Reject two data sets whose labels stand for different classes.

    The names of the classes are compared if both data sets have them, and the labels of class
    folders where both know them. No image is read.

    Args:
        first: A data set, see :func:`class_names`.
        second: A data set.
        settings: The settings that choose the data sets, for the message.

    Raises:
        ConfigError: With the first names that differ, in both directions, and the remedy.
    """
    compare_classes(class_names(first), class_names(second), settings)
    if difference := _difference_of_folders(_folders(first), _folders(second), settings):
        raise ConfigError(_message(difference, settings))


def _folders(dataset: Any) -> Mapping[str, int]:
    """Return the label of each class folder, read inside a wrapper too."""
    found: Mapping[str, int] = getattr(getattr(dataset, 'dataset', dataset), 'folder_to_idx', {})
    return found


def compare_classes(
    first: Sequence[str] | None, second: Sequence[str] | None, settings: tuple[str, str]
) -> None:
    """Reject two lists of class names that differ; None stands for unknown names.

    Raises:
        ConfigError: As :func:`check_same_classes`.
    """
    if first is None or second is None or list(first) == list(second):
        return
    sides = zip(settings, (first, second), (second, first), strict=True)
    only = [
        f'only {setting} has {_shortened(extra)}'
        for setting, own, other in sides
        if (extra := [name for name in own if name not in set(other)])
    ]
    if not only:
        pairs = enumerate(zip_longest(first, second))
        label, names = next((label, pair) for label, pair in pairs if pair[0] != pair[1])
        only = [f'class {label} is {names[0]} in {settings[0]} and {names[1]} in {settings[1]}']
    raise ConfigError(_message('; '.join(only), settings))


def _difference_of_folders(
    first: Mapping[str, int], second: Mapping[str, int], settings: tuple[str, str]
) -> str | None:
    names = {label: name for name, label in second.items()}
    for name, label in first.items():
        if second.get(name, label) != label:
            return f'{name} is class {label} in {settings[0]} and {second[name]} in {settings[1]}'
        if names.get(label, name) != name:
            return f'class {label} is {name} in {settings[0]} and {names[label]} in {settings[1]}'
    return None


def _message(difference: str, settings: tuple[str, str]) -> str:
    return (
        f'labels of {settings[0]} and {settings[1]} stand for different classes: {difference}. '
        'Give both the same class folders, or set classes=[...] of both data sets to one list'
    )


def _shortened(names: Sequence[str]) -> str:
    more = f' and {len(names) - 3} more' if len(names) > 3 else ''
    return f'{", ".join(names[:3])}{more}'
