"""Classes of the images of a folder, and their division for a score."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmrcl.errors import ConfigError

from .defaults import DEFAULTS, Defaults

__all__ = ['Split', 'by_class_folders', 'read_labels', 'split_by_class', 'write_split']


class Split(NamedTuple):
    """Positions of labelled images: those that vote in kNN, and those that it classifies."""

    gallery: np.ndarray
    queries: np.ndarray


def by_class_folders(files: Sequence[str], defaults: Defaults = DEFAULTS) -> list[str] | None:
    """Return the first folder of each file as its class, or None if folders are no classes.

    They are if every file lies in one, there are several, and each has some images on average.

    Args:
        files: paths below the folder of all images.
        defaults: the table of numbers.
    """
    parts = [file.partition('/') for file in files]
    if not all(slash for _, slash, _ in parts):
        return None
    classes = [folder for folder, _, _ in parts]
    if not 2 <= len(set(classes)) <= len(files) / defaults.fewest_per_class:
        return None
    return classes


def read_labels(path: str | Path, files: Sequence[str]) -> list[str | None]:
    """Read classes of images from a file with a line ``FILE,CLASS`` for each, or with a tab.

    Args:
        path: the file, in UTF-8; empty lines are skipped.
        files: paths below the folder of all images, as the file names them.

    Returns:
        The class of each image, None where the file names none.

    Raises:
        ConfigError: for another form, a file that is no image of the folder, one with two classes,
            or a single class.
    """
    try:
        with Path(path).expanduser().open(encoding='utf-8-sig', newline='') as lines:
            start = lines.readline()
            lines.seek(0)
            rows = list(csv.reader(lines, delimiter='\t' if '\t' in start else ','))
    except (csv.Error, UnicodeDecodeError) as error:
        raise ConfigError(f'--labels {path} cannot be read as lines FILE,CLASS: {error}') from error
    if odd := [number for number, row in enumerate(rows, 1) if row and not _is_labelled(row)]:
        raise ConfigError(f'--labels {path}: line {odd[0]} is not FILE,CLASS: correct it')
    named: dict[str, str] = {}
    for file, name in filter(None, rows):
        if named.setdefault(file, name) != name:
            raise ConfigError(
                f'--labels {path} puts {file!r} into the classes {named[file]!r} and {name!r}: '
                'keep one line'
            )
    if unknown := named.keys() - set(files):
        raise ConfigError(
            f'--labels {path} names {len(unknown)} files that are no images of the folder, such as '
            f'{min(unknown)!r}: name them by their paths below the folder, as in {files[0]!r}'
        )
    if len(set(named.values())) < 2:
        raise ConfigError(f'--labels {path} has less than two classes: name the class of each file')
    return [named.get(file) for file in files]


def _is_labelled(row: Sequence[str]) -> bool:
    return len(row) == 2 and all(row)


def split_by_class(classes: Sequence[str | None], defaults: Defaults = DEFAULTS) -> Split:
    """Divide labelled images: every fifth of a class is a query, all others are the gallery.

    Args:
        classes: class of each of N images, None where unknown.
        defaults: the table of numbers.

    Returns:
        Positions in 0..N - 1, ascending, evenly thinned to at most ``defaults.most_scored``.
    """
    known = np.array([place for place, name in enumerate(classes) if name is not None], int)
    _, numbers = np.unique(np.array([classes[place] for place in known]), return_inverse=True)
    order = np.argsort(numbers, kind='stable')
    start = np.searchsorted(numbers[order], numbers[order])
    held_out = (np.arange(len(order)) - start) % defaults.held_out == defaults.held_out - 1
    parts = (known[order[~held_out]], known[order[held_out]])
    most_queries, most_gallery = defaults.most_scored
    return Split(_thinned(parts[0], most_gallery), _thinned(parts[1], most_queries))


def _thinned(places: np.ndarray, most: int) -> np.ndarray:
    if len(places) > most:
        places = places[np.linspace(0, len(places) - 1, most).astype(int)]
    return np.sort(places)


def write_split(
    folder: Path, files: Sequence[str], classes: Sequence[str | None], split: Split
) -> None:
    """Write ``gallery.txt`` and ``queries.txt`` in mmpretrain's form, and ``classes.txt``."""
    names = sorted({name for name in classes if name is not None})
    number = {name: label for label, name in enumerate(names)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, places in split._asdict().items():
        lines = [f'{files[place]} {number[classes[place]]}\n' for place in places.tolist()]
        Path(folder, f'{name}.txt').write_text(''.join(lines), encoding='utf-8')
    Path(folder, 'classes.txt').write_text(''.join(f'{name}\n' for name in names), 'utf-8')
