"""A folder of images seen by the encoder of a checkpoint."""

import csv
import os
from pathlib import Path

import numpy as np

from mmrcl.clustering import FirstNeighborSource, LabelHierarchy

from .encoders import load_encoder
from .features import Features, extract_features
from .hierarchies import build_hierarchy, write_hierarchy_page
from .pretraining import DEFAULTS, by_class_folders, image_files, read_labels, split_by_class

__all__ = [
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
    trust: bool = False,
) -> Features:
    """Run the encoder of a checkpoint over a folder and show progress and the time left.

    Args:
        folder: images at any depth.
        checkpoint: a file, or the work dir of a run for its newest.
        labels: file with a line ``FILE,CLASS`` per image; by default the class is the first folder,
            if every image lies in one.
        trust: run code that the checkpoint may contain.

    Returns:
        Features with classes if there are labels. Files that cannot be read, and those that
        ``labels`` does not name, are left out.

    Raises:
        ConfigError: for a folder without images, or labels that do not fit it.
        ValueError: if the checkpoint does not hold an encoder.
    """
    root = os.fspath(Path(folder).expanduser())
    files = image_files(root)
    classes = by_class_folders(files) if labels is None else read_labels(labels, files)
    known = {file: name for file, name in zip(files, classes or [], strict=False) if name}
    chosen = [file for file in files if file in known] if known else files
    encoder = load_encoder(checkpoint, trust=trust)
    workers = min(len(os.sched_getaffinity(0)) // 2, DEFAULTS.workers)
    paths = [os.path.join(root, file) for file in chosen]
    found = extract_features(encoder, paths, num_workers=workers)
    if not known:
        return found
    names = [known[os.path.relpath(path, root)] for path in found.paths]
    return found._replace(classes=names)


def split_features(features: Features) -> tuple[Features, Features]:
    """Divide labelled features: every fifth image of a class is for the test.

    Returns:
        Features to fit on and to score, as the kNN score of :func:`mmrcl.pretrain` divides images.

    Raises:
        ValueError: without classes, or if no class has five images.
    """
    if features.classes is None:
        raise ValueError('the classes are unknown: put images into class folders, or pass labels')
    split = split_by_class(features.classes)
    if not len(split.queries):
        raise ValueError(
            f'no class has {DEFAULTS.held_out} images, so that one could be held out: pass '
            'labelled images for the test'
        )
    return _part(features, split.gallery), _part(features, split.queries)


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
        ValueError: for another suffix.
    """
    table = Path(path).expanduser()
    if table.suffix != '.csv':
        raise ValueError(f'{path} must end with .csv')
    labels = hierarchy.labels.cpu().numpy()
    columns = {'file': features.paths}
    if features.classes is not None:
        columns['class'] = features.classes
    columns |= {f'level {level}': row.tolist() for level, row in enumerate(labels, 2)}
    with table.open('w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    arrays = table.with_suffix('.npz')
    vectors = features.vectors.cpu().numpy()
    np.savez(arrays, files=np.array(features.paths), vectors=vectors, labels=labels)
    return [table, arrays]


def write_folder_page(
    path: str | Path,
    folder: str | Path,
    checkpoint: str | Path,
    labels: str | Path | None = None,
    trust: bool = False,
) -> Path:
    """Cluster the images of a folder by an encoder, and write the page that shows them.

    Args:
        path: the HTML file to write.
        folder: images at any depth.
        checkpoint: a file, or the work dir of a run for its newest.
        labels: as of :func:`embed_folder`.
        trust: run code that the checkpoint may contain.

    Returns:
        The path written.
    """
    features = embed_folder(folder, checkpoint, labels, trust)
    hierarchy = cluster_features(features)
    return write_hierarchy_page(path, hierarchy, features, title=Path(folder).resolve().name)
