"""Checks of where results will be written, made before the long work."""

from collections.abc import Sequence
from pathlib import Path

from mmrcl.errors import ConfigError
from mmrcl.launch import check_work_dir

__all__ = ['check_files', 'check_new_files', 'check_outside', 'check_unused']


def check_files(
    path: str | Path, suffixes: Sequence[str], labels: str | Path | None = None
) -> list[Path]:
    """Return the files to write: ``path``, and those beside it with the other suffixes.

    Existing files will be replaced.

    Args:
        path: the first file.
        suffixes: suffix of each file, such as ``'.csv'``.
        labels: a file that must not be replaced.

    Raises:
        ConfigError: for another suffix, a folder that does not exist or cannot be written, or if
            ``labels`` is one of the files.
    """
    first = Path(path).expanduser()
    if first.suffix != suffixes[0]:
        raise ConfigError(f'--out {path} must end with {suffixes[0]}')
    if not first.parent.is_dir():
        raise ConfigError(f'--out {path}: there is no folder {first.parent}: make it first')
    check_work_dir(str(first.parent), '--out')
    files = [first.with_suffix(suffix) for suffix in suffixes]
    for file in files:
        if file.is_dir():
            raise ConfigError(f'--out {path}: {file} is a folder: pass another name')
        if labels is not None and file.resolve() == Path(labels).expanduser().resolve():
            raise ConfigError(f'--out {path} would replace --labels {labels}: pass another name')
    return files


def check_new_files(
    path: str | Path, suffixes: Sequence[str], labels: str | Path | None = None
) -> None:
    """Check the files to write as :func:`check_files` does, and that none of them exists.

    Raises:
        ConfigError: as :func:`check_files`.
        FileExistsError: naming the file.
    """
    for file in check_files(path, suffixes, labels):
        if file.exists():
            raise FileExistsError(f'{file} exists: remove it, or name a new one by --out')


def check_outside(folder: str | Path, images: str | Path) -> None:
    """Reject a folder for results inside the folder of images.

    Raises:
        ConfigError: naming both.
    """
    inner, outer = (Path(path).expanduser().resolve() for path in (folder, images))
    if inner.is_relative_to(outer):
        raise ConfigError(
            f'--out {folder} lies inside {images}, so that pictures in it would count as images: '
            'pass a folder elsewhere'
        )


def check_unused(folder: str | Path) -> Path:
    """Return the path of a folder that does not exist or is empty.

    Raises:
        ConfigError: if it cannot be written.
        FileExistsError: if it holds anything, or is a file.
    """
    folder = Path(folder).expanduser()
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise FileExistsError(f'{folder} exists and is not an empty folder: name a new one')
    check_work_dir(str(folder), '--out')
    return folder
