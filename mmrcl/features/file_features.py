"""Features that another program wrote to a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_gather_object, get_rank, get_world_size
from torch import Tensor
from torch.utils.data import DataLoader

from mmrcl.checkpoint import read_safetensors
from mmrcl.progress import progress
from mmrcl.registry import TASK_UTILS

from .file_names import files_of, match_rows, read_names

__all__ = ['FileFeatures', 'map_array']

_ROWS = 1 << 16  # rows in memory at once: 0.27 GB at D = 1024
_REAL = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


@TASK_UTILS.register_module()
class FileFeatures:
    """Features from a file, one row per training image: a :class:`FeatureSource`.

    The file is memory-mapped and read in blocks of rows; nothing in it is unpickled.

    Args:
        path: ``.npy`` or ``.safetensors``, an array (N, D) of floating point numbers.
        key: name of the tensor in a ``.safetensors`` file with several.
        names: file with the name of the image of each row: text with a name per line, or ``.npy``
            with an array of strings. As many last parts of the paths are compared as tell the
            training images apart. Without it rows are in the order of the data set.
    """

    def __init__(self, path: str, key: str | None = None, names: str | None = None) -> None:
        self.path = path
        self.key = key
        self.names = names

    def check(self, model: Any, dataloader: DataLoader) -> None:
        """Check file, rows and values; the ranks share the values.

        Raises:
            ValueError: for another number of images, NaN or Inf, another type of numbers, or a
                missing, doubled or unknown file name.
        """
        table, _ = self._matched(dataloader.dataset)
        blocks = range(0, len(table), _ROWS)[get_rank() :: get_world_size()]
        wrong: list[int] = []
        for start in progress(blocks, f'Checking {self.path}'):
            # What is too large for float32 becomes Inf.
            finite = table[start : start + _ROWS].float().isfinite().all(1)
            wrong += [start + int(row) for row in (~finite).nonzero().flatten()[:1]]
        found = [row for part in all_gather_object(wrong) for row in part]
        if found:
            raise ValueError(
                f'{self.path} has NaN or Inf, the first in row {min(found)}: compute the features '
                'of this image again'
            )

    def __call__(self, model: Any, dataloader: DataLoader) -> Tensor:
        """Read the features, shape (N, D), float32, to the device of the model."""
        table, rows = self._matched(dataloader.dataset)
        features = torch.empty(table.shape, device=model.data_preprocessor.device)
        for start in progress(range(0, len(table), _ROWS), f'Reading {self.path}'):
            block = slice(start, start + _ROWS)
            features[block] = table[block if rows is None else rows[block]].to(features)
        return features

    def _matched(self, dataset: Any) -> tuple[Tensor, Tensor | None]:
        """Return the table (N, D), and the row of each image (N,), None for the same order."""
        table = map_array(self.path, self.key)
        if table.ndim != 2 or not table.numel() or table.dtype not in _REAL:
            raise ValueError(
                f'{self.path} holds {table.dtype} of shape {tuple(table.shape)}: save floating '
                'point numbers of shape (N, D), a row per training image'
            )
        if self.names is not None:
            return table, match_rows(self._read_names(len(table)), files_of(dataset), self.names)
        if len(table) != len(dataset):
            raise ValueError(
                f'{self.path} has {len(table)} rows, but there are {len(dataset)} training images: '
                'compute the features of the same data set, or set names to match them by file'
            )
        return table, None

    def _read_names(self, rows: int) -> list[str]:
        names = read_names(str(self.names))
        if len(names) != rows:
            raise ValueError(
                f'{self.names} has {len(names)} names, but {self.path} {rows} rows: save a name '
                'for each row'
            )
        return names


def map_array(path: str | Path, key: str | None = None) -> Tensor:
    """Map an array of a ``.npy`` or ``.safetensors`` file into memory.

    Args:
        path: the file.
        key: name of the tensor in a ``.safetensors`` file with several.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: for another kind of file, a damaged one, or an unknown key.
    """
    file = Path(path).expanduser()
    if file.suffix == '.safetensors':
        return _chosen(read_safetensors(file), key, path)
    if file.suffix != '.npy':
        raise ValueError(f'{path} is neither .npy nor .safetensors: save the features as one')
    if not file.is_file():
        raise FileNotFoundError(f'{path} does not exist')
    try:
        # Copy on write: torch warns of arrays that it must not write to.
        return torch.from_numpy(np.load(file, mmap_mode='c', allow_pickle=False))
    except (EOFError, TypeError, ValueError) as error:
        raise ValueError(f'{path} cannot be read as an array of numbers: {error}') from error


def _chosen(tensors: Mapping[str, Tensor], key: str | None, path: str | Path) -> Tensor:
    listed = ', '.join(sorted(tensors)) or 'none'
    if key is None and len(tensors) != 1:
        raise ValueError(f'{path} has several tensors: set key to one of {listed}')
    if key is not None and key not in tensors:
        raise ValueError(f'{path} has no tensor {key}: set key to one of {listed}')
    return tensors[next(iter(tensors)) if key is None else key]
