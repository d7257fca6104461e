"""Content of the page, as numbers and short texts."""

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.metrics import adjusted_mutual_info_score
from torch import Tensor

from mmrcl.arguments import check_at_least, check_levels
from mmrcl.clustering import summarize_partition

from .curves import Panel
from .tree import Tree

__all__ = [
    'Retrieved',
    'choose_clusters',
    'level_rows',
    'packed',
    'panel_rows',
    'retrieved_rows',
    'split_folder',
    'tree_arrays',
]


class Retrieved(NamedTuple):
    """Keys that one retriever found for each query.

    Attributes:
        name: name of the retriever on the page.
        keys: the images found, -1 for none, shape (Q, R).
        cosines: cosine of query and key, shape (Q, R).
    """

    name: str
    keys: Tensor
    cosines: Tensor


def choose_clusters(labels: Tensor, count: int, seed: int = 0) -> Tensor:
    """Choose which images of a large hierarchy to show, sorted.

    Whole clusters of the coarsest level are drawn, only the last one may be cut. With images drawn
    independently, small clusters would lose their same-cluster samples.

    Args:
        labels: fine to coarse, shape (L, N).
        count: maximum number of images.
        seed: seed of the draw.
    """
    labels = check_levels(labels)
    check_at_least(count, 'count', 1)
    _, coarse = labels[-1].cpu().unique(return_inverse=True)
    generator = torch.Generator().manual_seed(seed)
    shuffled = torch.randperm(int(coarse.max()) + 1, generator=generator)
    return torch.argsort(shuffled[coarse], stable=True)[:count].sort().values


def level_rows(labels: Tensor, tree: Tree, classes: Tensor | None) -> list[dict[str, Any]]:
    """Compute the sizes of each level, fine to coarse, and its agreement with the classes.

    Purity is the share of images of their cluster's majority class. A single image is always pure,
    so ``purity_without_singletons`` leaves these out (None if no cluster is left). AMI is
    scikit-learn's.
    """
    rows = []
    for level, partition in enumerate(labels, 2):
        row: dict[str, Any] = {'level': level, **asdict(summarize_partition(partition))}
        if classes is not None and tree.agreeing is not None:
            size, agreeing = (part[tree.level == level] for part in (tree.size, tree.agreeing))
            several = size > 1
            row['purity'] = float(agreeing.sum() / size.sum())
            row['purity_without_singletons'] = (
                float(agreeing[several].sum() / size[several].sum()) if several.any() else None
            )
            row['ami'] = float(
                adjusted_mutual_info_score(classes.cpu().numpy(), partition.cpu().numpy())
            )
        rows.append(row)
    return rows


def panel_rows(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """Convert the curves for JSON."""
    return [
        {'title': panel.title, 'lines': [line._asdict() for line in panel.lines]}
        for panel in panels
    ]


def retrieved_rows(retrieved: Sequence[Retrieved]) -> list[dict[str, Any]]:
    """Convert the retrievals for JSON."""
    return [
        {
            'name': row.name,
            'keys': row.keys.tolist(),
            'cosines': [[round(value, 4) for value in line] for line in row.cosines.tolist()],
        }
        for row in retrieved
    ]


def split_folder(paths: Sequence[str]) -> tuple[str, list[str]]:
    """Split off the folder that all files share; it is '' if there is none."""
    try:
        folder = os.path.commonpath([os.path.dirname(path) for path in paths])
    except ValueError:  # no files, or absolute paths beside relative ones
        folder = ''
    if not folder:
        return '', list(paths)
    return folder, [path.removeprefix(folder).lstrip(os.sep) for path in paths]


def tree_arrays(tree: Tree) -> dict[str, np.ndarray]:
    """Return the arrays of a tree that the page reads; shares as bytes, 255 for 1."""
    arrays = {name: part for name, part in tree._asdict().items() if part is not None}
    if tree.cohesion is not None:
        arrays['cohesion'] = np.rint(255 * tree.cohesion.clip(0, 1)).astype(np.uint8)
    return arrays


def packed(arrays: Mapping[str, np.ndarray]) -> dict[str, dict[str, str]]:
    """Encode integers >= 0 in the narrowest type that holds them, as base64."""
    out = {}
    for name, values in arrays.items():
        highest = int(values.max()) if len(values) else 0
        dtype = np.min_scalar_type(highest).newbyteorder('<')
        kind = f'Uint{8 * dtype.itemsize}Array'
        text = base64.b64encode(values.astype(dtype).tobytes()).decode()
        out[name] = {'type': kind, 'base64': text}
    return out
