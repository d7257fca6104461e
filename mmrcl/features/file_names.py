"""Rows of features and images of a data set, matched by the names of files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmrcl.progress import progress

__all__ = ['files_of', 'match_rows', 'read_names']

Tail = tuple[str, ...]


def read_names(path: str | Path) -> list[str]:
    """Read names of files: a name per line in UTF-8, up to a tab, or a ``.npy`` array of strings.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if it holds something else.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise FileNotFoundError(f'{path} does not exist')
    try:
        if file.suffix == '.npy':
            return [str(name) for name in np.load(file, allow_pickle=False).astype('U').flatten()]
        with file.open(encoding='utf-8-sig') as lines:
            return [line.rstrip('\n').partition('\t')[0] for line in lines]
    except (EOFError, ValueError) as error:
        raise ValueError(f'{path} cannot be read as names of files: {error}') from error


def files_of(dataset: Any) -> list[str]:
    """Return the paths of all images of a data set, in its order.

    Raises:
        ValueError: if an image has no file.
    """
    images = getattr(dataset, 'dataset', dataset)  # of SeededDataset
    files = []
    for index in progress(range(len(images)), 'Reading the names of the images'):
        file = images.get_data_info(index).get('img_path')
        if file is None:
            raise ValueError(
                f'the images of {type(images).__name__} are no files, so names cannot be matched: '
                'remove names, and have a row for each image in the order of the data set'
            )
        files.append(str(file))
    return files


def match_rows(names: Sequence[str], files: Sequence[str], source: str) -> Tensor:
    """Find the row of each image: equal are paths whose last parts are.

    As many parts are compared as tell the images apart, so the folders above may differ.

    Args:
        names: file of each of the R rows.
        files: paths of the N images, all different.
        source: where the names are from, for messages.

    Returns:
        Rows, shape (N,), int64.

    Raises:
        ValueError: if an image has two rows or none, or a row has no image.
    """
    parts = _distinct_parts(files)
    rows: dict[Tail, int] = {}
    for row, name in enumerate(names):
        first = rows.setdefault(_tail(name, parts), row)
        if first != row:
            raise ValueError(
                f'{source} has two rows for one image, {first} ({names[first]}) and {row} ({name})'
                ': keep one'
            )
    wanted = [_tail(file, parts) for file in files]
    if missing := [file for file, tail in zip(files, wanted, strict=True) if tail not in rows]:
        raise ValueError(
            f'{source} has no row for {_listed(missing)}: compute the features of all training '
            'images'
        )
    if len(rows) > len(files):
        known = set(wanted)
        unknown = [name for name in names if _tail(name, parts) not in known]
        raise ValueError(
            f'{source} has rows for {_listed(unknown)}, which are no training images: remove them, '
            'or train on these files'
        )
    return torch.tensor([rows[tail] for tail in wanted])


def _distinct_parts(files: Sequence[str]) -> int:
    """Count the last parts of paths that tell all files apart."""
    deepest = max(file.count('/') for file in files) + 1
    for parts in range(1, deepest):
        if len({_tail(file, parts) for file in files}) == len(files):
            return parts
    return deepest


def _tail(path: str, parts: int) -> Tail:
    return tuple(path.rsplit('/', parts)[-parts:])


def _listed(names: Sequence[str]) -> str:
    more = f' and {len(names) - 3} more' if len(names) > 3 else ''
    return ', '.join(names[:3]) + more
