"""Images in Arrow or parquet files, read by Hugging Face ``datasets``."""

import glob
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from mmengine import fileio
from mmengine.fileio import BaseStorageBackend, register_backend
from mmpretrain.datasets import BaseDataset

from mmrcl.registry import DATASETS, own_scope

from .class_folders import check_class_numbers

__all__ = ['HuggingFaceBackend', 'HuggingFaceDataset']

_ADDRESS = re.compile(r'huggingface://(.+)#(\d+)/([^/]+)(?:/.*)?', re.DOTALL)


@register_backend('huggingface', prefixes='huggingface')
class HuggingFaceBackend(BaseStorageBackend):
    """Encoded images of a table, by ``huggingface://SOURCE#ROW/COLUMN`` and perhaps ``/NAME``.

    The source is the folder of a saved ``Dataset``, or a pattern of parquet files. A process opens
    it once. So all that reads images by mmengine's ``fileio`` reads them from tables.
    """

    def get(self, filepath: str | Path) -> bytes:
        """Read the bytes of an image, which the table has itself or by a path.

        Raises:
            OSError: if there is no such image.
        """
        address = _ADDRESS.fullmatch(str(filepath))
        if address is None:
            raise FileNotFoundError(f'{filepath} is not huggingface://SOURCE#ROW/COLUMN')
        source, row, column = address.groups()
        image = _encoded(source, column)[int(row)][column] or {}
        if image.get('bytes') is not None:
            content: bytes = image['bytes']
            return content
        if image.get('path') is None:
            raise FileNotFoundError(f'row {row} has no image in column {column}')
        return fileio.get(image['path'])

    def get_text(self, filepath: str | Path, encoding: str = 'utf-8') -> str:
        """Read the bytes of an image as text."""
        return self.get(filepath).decode(encoding)


@DATASETS.register_module()
class HuggingFaceDataset(BaseDataset):
    """Images of a ``Dataset`` of Hugging Face in a folder, in the order of its rows.

    The folder is from ``Dataset.save_to_disk``, or has parquet files, which are sorted by name.
    ``datasets`` keeps an Arrow copy of parquet files in its cache, because parquet cannot be read a
    row at a time. The images stay encoded until the pipeline decodes them. Nothing is downloaded.

    Args:
        data_root: The folder; '~' stands for the home folder.
        files: Pattern of the parquet files below ``data_root``, as of Python's ``glob``; '' for a
            saved ``Dataset``.
        image_column: Column of the encoded images, or of their paths.
        label_column: Column of the class numbers, '' for no labels. Names of classes that it has
            are used if ``classes`` is not set.
        **kwargs: Further arguments of mmpretrain's ``BaseDataset``, such as ``pipeline`` and
            ``classes``.

    Raises:
        ImportError: If ``datasets`` is not installed.
        ValueError: If there is no such data set, it is empty, or a column is missing or of another
            kind.
    """

    def __init__(
        self,
        data_root: str,
        files: str = '',
        image_column: str = 'image',
        label_column: str = '',
        **kwargs: Any,
    ) -> None:
        self.source = _source(data_root, files)
        self.image_column = image_column
        self.label_column = label_column
        with own_scope():
            super().__init__(ann_file='', data_root=os.path.expanduser(data_root), **kwargs)

    def load_data_list(self) -> list[dict]:
        """List address and, with ``label_column``, class of every image."""
        _check_opens(self.source)
        prefix = f'huggingface://{self.source}#'
        images: list[dict] = [
            dict(img_path=f'{prefix}{row}/{self.image_column}{_name(path)}')
            for row, path in enumerate(self._paths())
        ]
        if self.label_column:
            for image, label in zip(images, self._labels(), strict=True):
                image['gt_label'] = label
        return images

    def extra_repr(self) -> list[str]:
        """Name the folder or the files in the printed form."""
        return [f'Source: \t{self.source}']

    def _paths(self) -> list[str | None]:
        """Return the path of each image in its table, which need not exist, or None."""
        self._check_column('image_column', self.image_column)
        if '/' in self.image_column:
            raise ValueError(
                f'HuggingFaceDataset: image_column={self.image_column!r} has a slash, which ends a '
                'column in the address of an image: rename it by Dataset.rename_column'
            )
        try:
            images = _encoded(self.source, self.image_column)
        except (NotImplementedError, TypeError, ValueError) as error:
            kind = _opened(self.source).features[self.image_column]
            raise ValueError(
                f'HuggingFaceDataset: column {self.image_column!r} of {self.source!r} has {kind}, '
                'not encoded images: set image_column to the column of the images'
            ) from error
        # As a table: no bytes of images are touched, nor Python objects made of them.
        values = images.with_format('arrow')[:][self.image_column]
        paths: list[str | None] = [
            path for chunk in values.chunks for path in chunk.field('path').to_pylist()
        ]
        return paths

    def _labels(self) -> list[int]:
        self._check_column('label_column', self.label_column)
        table = _opened(self.source)
        labels = table.select_columns([self.label_column])[:][self.label_column]
        if strange := {label for label in labels if not isinstance(label, int)}:
            raise ValueError(
                f'HuggingFaceDataset: column {self.label_column!r} of {self.source!r} has '
                f'{strange.pop()!r}, which is no class number: set label_column to a column of '
                "class numbers, or to '' for none"
            )
        names = getattr(table.features[self.label_column], 'names', None)
        if names is not None:
            self._metainfo.setdefault('classes', tuple(names))
        place = f'column {self.label_column!r} of {self.source!r}'
        check_class_numbers(set(labels), self.CLASSES, place)
        return labels

    def _check_column(self, setting: str, column: str) -> None:
        columns = _opened(self.source).column_names
        if column not in columns:
            raise ValueError(
                f'HuggingFaceDataset: {self.source!r} has no column {setting}={column!r}: set it '
                f'to one of {", ".join(columns)}'
            )


def _source(data_root: str, files: str) -> str:
    """Return the folder of a saved ``Dataset`` or the pattern of parquet files, if it exists."""
    if not isinstance(data_root, (str, os.PathLike)):
        raise ValueError(
            f'HuggingFaceDataset reads a local folder, not a {type(data_root).__name__}: save a '
            'Dataset by save_to_disk and set data_root to the folder; an IterableDataset has no '
            'stable index, so save it as a Dataset'
        )
    folder = os.path.expanduser(data_root)
    if not os.path.isdir(folder):
        raise ValueError(
            f'HuggingFaceDataset: {folder!r} is no local folder, and nothing is downloaded: set '
            'data_root to a folder of Dataset.save_to_disk, or of parquet files'
        )
    if files:
        source = os.path.join(glob.escape(folder), files)
        if glob.glob(source):
            return source
        raise ValueError(
            f'HuggingFaceDataset: no file in {folder!r} fits files={files!r}: set data_root to the '
            'folder of the parquet files, and files to a pattern of their names'
        )
    if os.path.isfile(os.path.join(folder, 'state.json')):
        return folder
    raise ValueError(f'HuggingFaceDataset: {folder!r} is not a saved Dataset: {_remedy(folder)}')


def _remedy(folder: str) -> str:
    splits = sorted(os.path.dirname(each) for each in glob.glob('*/state.json', root_dir=folder))
    if splits:
        return f'set data_root to a split in it, {" or ".join(splits)}'
    return (
        "set data_root to a folder of Dataset.save_to_disk, or files='*.parquet' for a folder of "
        'parquet files'
    )


def _name(path: str | None) -> str:
    return f'/{os.path.basename(path)}' if path else ''


def _check_opens(source: str) -> None:
    _library()
    try:
        if not len(_opened(source)):
            raise ValueError('no rows')
    except Exception as error:  # Those of datasets and pyarrow have no common class.
        reason = ' '.join(str(error.__cause__ or error).split())
        raise ValueError(
            f'HuggingFaceDataset: {source!r} cannot be opened ({type(error).__name__}: {reason}): '
            'set data_root and files to whole files that have rows and the same columns'
        ) from error


@lru_cache
def _opened(source: str) -> Any:
    """Open a ``Dataset``, whose files are mapped into memory."""
    datasets = _library()
    if os.path.isdir(source):
        return datasets.load_from_disk(source, keep_in_memory=False)
    return datasets.load_dataset('parquet', data_files=sorted(glob.glob(source)), split='train')


@lru_cache
def _encoded(source: str, column: str) -> Any:
    """Open a column of images, as dicts of ``bytes`` and ``path``."""
    images = _opened(source).select_columns([column])
    return images.cast_column(column, _library().Image(decode=False))


def _library() -> Any:
    try:
        import datasets
    except ImportError as error:
        raise ImportError('HuggingFaceDataset needs datasets: pip install datasets') from error
    return datasets
