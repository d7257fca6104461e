"""A label hierarchy of any features, and an HTML page that shows it."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.arguments import check_features
from mmrcl.clustering import (
    ClusteringSource,
    FirstNeighborSource,
    LabelHierarchy,
    warn_of_equal_levels,
)
from mmrcl.datasets import MAX_PIXELS, WHITE, UnreadableImageError, read_image
from mmrcl.progress import progress
from mmrcl.visualization import (
    SIDE,
    choose_clusters,
    import_pyarrow,
    thumbnail,
    write_report,
)

from .features import Features, class_numbers

__all__ = ['build_hierarchy', 'check_same_images', 'write_hierarchy_page']


def build_hierarchy(
    vectors: Features | Tensor, source: ClusteringSource | None = None
) -> LabelHierarchy:
    """Cluster features into levels, fine to coarse, and show progress and the time left.

    Args:
        vectors: features of N images, or their vectors as a tensor or array of shape (N, d); they
            are L2-normalised first.
        source: clustering source, see :mod:`mmrcl.clustering`; by default
            ``FirstNeighborSource()``, with two levels of 2.6 and 5 images a cluster on average.

    Returns:
        The hierarchy, level 1 being the images themselves, with the normalised features as bank.

    Raises:
        ValueError: if there are no vectors, or a value is NaN or Inf; it names the first row.
    """
    rows = vectors.vectors if isinstance(vectors, Features) else vectors
    rows = check_features(rows, 'vectors')
    source = source or FirstNeighborSource()
    directions = normalize(rows.float(), dim=1)
    labels = source(directions, progress=progress)
    hierarchy = LabelHierarchy(len(labels) + 1, directions.shape[1], len(directions))
    hierarchy.set_bank(directions)
    hierarchy.set_labels(labels, nested=source.nested)
    warn_of_equal_levels(hierarchy.labels)
    return hierarchy


def write_hierarchy_page(
    path: str | Path,
    hierarchy: LabelHierarchy,
    features: Features | Sequence[str | Path],
    images: int = 50_000,
    title: str = 'Label hierarchy',
    background: Sequence[int] = WHITE,
    max_pixels: int = MAX_PIXELS,
    parquet: str | Path | None = None,
) -> Path:
    """Write one HTML file that shows the clusters and their images in any browser.

    It has file and class names, the similar images of each, and a map of all. A file that can no
    longer be read is shown black, with a warning.

    Args:
        path: the file to write.
        hierarchy: from :func:`build_hierarchy`.
        features: the clustered features, or their image files alone; the files are read again.
        images: maximum number of images shown, drawn at random in whole clusters.
        title: heading of the page.
        background: RGB colour, 0 to 255, behind transparent pixels; the one of the encoder.
        max_pixels: largest number of pixels to decode; the one of the encoder.
        parquet: also write the images shown as a table for embedding-atlas to this file.

    Returns:
        The path written.

    Raises:
        ValueError: if hierarchy and features have different numbers of images.
        ImportError: if ``parquet`` is given and pyarrow is not installed.
    """
    if not isinstance(features, Features):
        features = Features(hierarchy.bank, [str(file) for file in features])
    check_same_images(len(features.paths), hierarchy)
    if parquet is not None:
        import_pyarrow()
    chosen = choose_clusters(hierarchy.labels, images)
    shown = [str(features.paths[index]) for index in chosen]
    pictures = [
        _thumbnail(file, background, max_pixels) for file in progress(shown, 'Reading images')
    ]
    names, classes = _classes(features, chosen)
    return write_report(
        path,
        hierarchy.labels[:, chosen],
        np.stack(pictures),
        features=hierarchy.bank[chosen],
        classes=classes,
        class_names=names,
        numbers=chosen.numpy(),
        title=title,
        paths=shown,
        parquet=parquet,
    )


def check_same_images(images: int, hierarchy: LabelHierarchy) -> None:
    """Raise a ValueError unless the hierarchy is one of so many ``images``."""
    if images != hierarchy.num_samples:
        raise ValueError(
            f'{images} images do not fit a hierarchy of {hierarchy.num_samples}: pass the features '
            'that it was built from'
        )


def _classes(features: Features, chosen: Tensor) -> tuple[list[str] | None, Tensor | None]:
    if features.classes is None:
        return None, None
    names = sorted(set(features.classes))
    return names, class_numbers(features.classes, names)[chosen]


def _thumbnail(
    file: str, background: Sequence[int] = WHITE, max_pixels: int = MAX_PIXELS
) -> np.ndarray:
    try:
        pixels = np.asarray(read_image(file, background, max_pixels))
    except UnreadableImageError as error:
        warnings.warn(f'an image of the page cannot be read: {error}', stacklevel=3)
        pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    return thumbnail(pixels, SIDE)
