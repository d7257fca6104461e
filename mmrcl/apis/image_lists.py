"""Lists of images on disk: tables in CSV, and folders of links."""

import csv
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mmrcl.progress import progress

from .outputs import check_unused

__all__ = ['known', 'link_images', 'names_below', 'write_csv']


def known(paths: Sequence[str] | None) -> Sequence[str]:
    """Return the paths, or raise a ValueError if they are unknown."""
    if paths is None:
        raise ValueError(
            'the image files are unknown: pass the Features of extract_features, not their vectors'
        )
    return paths


def write_csv(path: str | Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """Write a table, and replace a file of that name."""
    path = Path(path).expanduser()
    with path.open('w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(header)
        writer.writerows(rows)
    return path


def link_images(folder: str | Path, files: Mapping[str, str]) -> Path:
    """Fill a new folder with symbolic links; with copies where links are not allowed.

    Args:
        folder: a folder that does not exist or is empty.
        files: the file of each link, by the link's path below the folder.

    Returns:
        The folder.

    Raises:
        FileExistsError: if the folder holds anything.
        FileNotFoundError: if one of the files does not exist; nothing is written then.
    """
    folder = check_unused(folder)
    missing = [file for file in files.values() if not os.path.isfile(file)]
    if missing:
        raise FileNotFoundError(
            f'{len(missing)} of {len(files)} images are not files, such as {missing[0]}: run this '
            'where the images are'
        )
    folder.mkdir(parents=True, exist_ok=True)
    for parent in {(folder / name).parent for name in files}:
        parent.mkdir(parents=True, exist_ok=True)
    for name, file in progress(list(files.items()), 'Linking images'):
        _link(folder / name, file)
    return folder


def _link(link: Path, file: str) -> None:
    try:
        link.symlink_to(os.path.abspath(file))
    except FileExistsError:  # Names that differ in case alone: a copy would replace the image.
        raise
    except OSError:  # A file system without links, or Windows without the right to make them.
        shutil.copy2(file, link)


def names_below(paths: Sequence[str]) -> list[str]:
    """Return the paths as seen from the deepest folder that holds all of them."""
    absolute = [os.path.abspath(path) for path in paths]
    common = os.path.commonpath([os.path.dirname(path) for path in absolute])
    return [os.path.relpath(path, common) for path in absolute]
