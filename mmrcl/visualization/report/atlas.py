"""The images of a hierarchy as a table for embedding-atlas (Apple), in a Parquet file."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from .neighborhood import Neighborhood

__all__ = ['import_pyarrow', 'write_atlas']


def import_pyarrow() -> Any:
    """Import pyarrow, which only this table needs.

    Raises:
        ImportError: without pyarrow, with the command that installs it.
    """
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError('a Parquet file needs pyarrow: pip install pyarrow') from error
    return pyarrow


def write_atlas(
    path: Path,
    labels: Tensor,
    thumbnails: np.ndarray,
    near: Neighborhood,
    numbers: np.ndarray,
    paths: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
) -> None:
    """Write a row per image, in the columns that embedding-atlas reads.

    ``neighbors`` has the row numbers of the nearest images and their cosine distances, ``image``
    a PNG file. Clusters have the names of the page, unique over levels.

    Args:
        path: the file to write.
        labels: fine to coarse, shape (L, N).
        thumbnails: (N, H, W) or (N, H, W, 3), uint8.
        near: nearest images and map.
        numbers: numbers of the images, shape (N,).
        paths: the file of each image, if known.
        classes: the class name of each image, if known.
    """
    arrow = import_pyarrow()
    columns: dict[str, Any] = {} if paths is None else {'file': list(paths)}
    columns['number'] = numbers
    if classes is not None:
        columns['class'] = list(classes)
    for level, row in enumerate(labels.cpu().numpy(), 2):
        columns[f'cluster_level_{level}'] = [f'L{level}-{label}' for label in row]
    columns['x'], columns['y'] = near.projection.points.T
    columns['neighbors'] = arrow.StructArray.from_arrays(
        [_lists(arrow, near.nearest), _lists(arrow, 1 - near.cosines)], ['ids', 'distances']
    )
    columns['image'] = [{'bytes': _png(image), 'path': None} for image in thumbnails]
    path.parent.mkdir(parents=True, exist_ok=True)
    arrow.parquet.write_table(arrow.table(columns), path)


def _lists(arrow: Any, values: np.ndarray) -> Any:
    """Make a list of each row (N, k)."""
    count, width = values.shape
    offsets = np.arange(count + 1, dtype=np.int32) * width
    return arrow.ListArray.from_arrays(offsets, np.ascontiguousarray(values).reshape(-1))


def _png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, 'PNG')
    return file.getvalue()
