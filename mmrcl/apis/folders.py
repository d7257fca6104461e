"""A folder of images seen by the encoder of a checkpoint."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.config import Config

from mmrcl.clustering import FirstNeighborSource, LabelHierarchy
from mmrcl.errors import ConfigError

from .encoders import load_encoder
from .features import Features, extract_features
from .hierarchies import build_hierarchy, write_hierarchy_page
from .outputs import check_files
from .pretraining import (
    DEFAULTS,
    Split,
    by_class_folders,
    image_files,
    read_labels,
    split_by_class,
)
from .probes import check_classes

__all__ = [
    'check_evaluation',
    'cluster_features',
    'embed_folder',
    'save_clusters',
    'split_features',
    'write_folder_page',
]


def embed_folder(
    folder: str | Path,
    checkpoint: str | Path,
    labels: str | Path | None = None,
    config: Config | str | Path | None = None,
    trust: bool = False,
) -> Features:
    """Run the encoder of a checkpoint over a folder and show progress and the time left.

    Args:
        folder: images at any depth.
        checkpoint: a file, or the work dir of a run for its newest.
        labels: file with a line ``FILE,CLASS`` per image; by default the class is the first folder,
            if every image lies in one.
        config: the config that the encoder was trained with, or its path; by default the one stored
            in the checkpoint.
        trust: run code that the checkpoint may contain.

    Returns:
        Features with classes if there are labels. Files that cannot be read, and those that
        ``labels`` does not name, are left out.

    Raises:
        ConfigError: for a folder without images, or labels that do not fit it.
        ValueError: if the checkpoint does not hold an encoder.
    """
    root = os.fspath(Path(folder).expanduser())
    files, classes = _files_and_classes(folder, labels)
    known = {file: name for file, name in zip(files, classes or [], strict=False) if name}
    chosen = [file for file in files if file in known] if known else files
    encoder = load_encoder(checkpoint, config, trust=trust)
    workers = min(len(os.sched_getaffinity(0)) // 2, DEFAULTS.workers)
    paths = [os.path.join(root, file) for file in chosen]
    found = extract_features(encoder, paths, num_workers=workers)
    if not known:
        return found
    names = [known[os.path.relpath(path, root)] for path in found.paths]
    return found._replace(classes=names)


def _files_and_classes(
    folder: str | Path, labels: str | Path | None
) -> tuple[list[str], Sequence[str | None] | None]:
    files = image_files(folder)
    return files, by_class_folders(files) if labels is None else read_labels(labels, files)


def check_evaluation(
    folder: str | Path, labels: str | Path | None = None, test: str | Path | None = None
) -> None:
    """Check that images have the classes that an evaluation needs, before an encoder sees them.

    Args:
        folder: images to learn from, and to hold some out of if there is no ``test``.
        labels: as of :func:`embed_folder`.
        test: folder of images to score, in class folders.

    Raises:
        ConfigError: if a folder has no images or no classes.
        ValueError: if no image can be held out, or a class to score has no image to learn from.
    """
    classes = _classes(folder, labels)
    if test is None:
        _split(classes)
    else:
        check_classes(set(classes) - {None}, _classes(test, None))


def _classes(folder: str | Path, labels: str | Path | None) -> Sequence[str | None]:
    _, classes = _files_and_classes(folder, labels)
    if classes is None:
        raise ConfigError(
            f'the classes of {folder} are unknown: put every image into a class folder, two or '
            f'more with {DEFAULTS.fewest_per_class} images each on average; --labels can name the '
            'classes of FOLDER instead'
        )
    return classes


def split_features(features: Features) -> tuple[Features, Features]:
    """Divide labelled features: every fifth image of a class is for the test.

    Returns:
        Features to fit on and to score, as the kNN score of :func:`mmrcl.pretrain` divides images.

    Raises:
        ValueError: without classes, or if no class has five images.
    """
    if features.classes is None:
        raise ValueError('the classes are unknown: put images into class folders, or pass labels')
    split = _split(features.classes)
    return _part(features, split.gallery), _part(features, split.queries)


def _split(classes: Sequence[str | None]) -> Split:
    split = split_by_class(classes)
    if not len(split.queries):
        raise ValueError(
            f'no class has {DEFAULTS.held_out} images, so that one could be held out: pass '
            'labelled images for the test'
        )
    return split


def _part(features: Features, places: np.ndarray) -> Features:
    return Features(
        features.vectors[places],
        [features.paths[place] for place in places],
        None if features.classes is None else [features.classes[place] for place in places],
    )


def cluster_features(features: Features) -> LabelHierarchy:
    """Cluster features by first neighbours, into the levels of :func:`mmrcl.pretrain`."""
    return build_hierarchy(features.vectors, FirstNeighborSource(DEFAULTS.mean_sizes))


def save_clusters(path: str | Path, features: Features, hierarchy: LabelHierarchy) -> list[Path]:
    """Write a hierarchy as a table and as arrays.

    The table ``.csv`` has a row per image: file, class if known, and its cluster at each level from
    fine to coarse, named by the position of the cluster's first image. The file ``.npz`` has the
    arrays ``files`` (N,), ``vectors`` (N, d) and ``labels`` (H - 1, N).

    Args:
        path: of the table, with the suffix ``.csv``.
        features: of N images.
        hierarchy: of the same images.

    Returns:
        The two files.

    Raises:
        ConfigError: for another suffix, or a folder that cannot be written.
    """
    table, arrays = check_files(path, ['.csv', '.npz'])
    labels = hierarchy.labels.cpu().numpy()
    columns = {'file': features.paths}
    if features.classes is not None:
        columns['class'] = features.classes
    columns |= {f'level {level}': row.tolist() for level, row in enumerate(labels, 2)}
    with table.open('w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    vectors = features.vectors.cpu().numpy()
    np.savez(arrays, files=np.array(features.paths), vectors=vectors, labels=labels)
    return [table, arrays]


def write_folder_page(
    path: str | Path,
    folder: str | Path,
    checkpoint: str | Path,
    labels: str | Path | None = None,
    config: Config | str | Path | None = None,
    trust: bool = False,
) -> Path:
    """Cluster the images of a folder by an encoder, and write the page that shows them.

    Args:
        path: the file ``.html`` to write.
        folder: images at any depth.
        checkpoint: a file, or the work dir of a run for its newest.
        labels: as of :func:`embed_folder`.
        config: as of :func:`embed_folder`.
        trust: run code that the checkpoint may contain.

    Returns:
        The path written.

    Raises:
        ConfigError: before any work, for another suffix or a folder that cannot be written, and as
            :func:`embed_folder`.
    """
    [page] = check_files(path, ['.html'], labels)
    features = embed_folder(folder, checkpoint, labels, config, trust)
    hierarchy = cluster_features(features)
    return write_hierarchy_page(page, hierarchy, features, title=Path(folder).resolve().name)
