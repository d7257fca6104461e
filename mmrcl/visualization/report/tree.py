"""A label hierarchy as a tree of nodes, each a contiguous range in one order of the images."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.clustering import group_rows, majority, nesting_conformity, segment_sum

__all__ = ['Tree', 'build_tree']

_PIECE = 1 << 16  # images compared with their centres at a time


class Tree(NamedTuple):
    """The nodes of a hierarchy, breadth first, siblings from large to small.

    Node 0 is all images. If levels nest, its children are the clusters of the coarsest level, and
    an image belongs to one leaf. If they do not, its children represent the levels, fine to coarse,
    with the clusters of each below: an image belongs to one leaf of every level.

    Attributes:
        order: image at each position, shape (N,), or (L x N,) if levels do not nest. A node is
            ``order[start : start + size]``, in a leaf the most central image first.
        level: 2..H for a cluster, 0 for all images or a whole level, shape (K,).
        label: label of a cluster, number of a whole level, shape (K,).
        start: first position, shape (K,).
        size: number of images, shape (K,).
        first_child: index of the first child, the others follow it, shape (K,).
        children: number of children, shape (K,).
        prototype: the image of largest cosine with the mean of the node's unit features, ties to
            the first; without features the first image, shape (K,).
        cohesion: mean of these cosines over the node's images, shape (K,), or None.
        majority: most frequent class, ties to the lowest, shape (K,), or None.
        agreeing: number of images of that class, shape (K,), or None.
    """

    order: np.ndarray
    level: np.ndarray
    label: np.ndarray
    start: np.ndarray
    size: np.ndarray
    first_child: np.ndarray
    children: np.ndarray
    prototype: np.ndarray
    cohesion: np.ndarray | None
    majority: np.ndarray | None
    agreeing: np.ndarray | None

    def members(self, node: int) -> np.ndarray:
        """Return the images of a node, shape (size,)."""
        return self.order[self.start[node] : self.start[node] + self.size[node]]


class _Layer(NamedTuple):
    """Nodes of equal depth; ``parent`` and ``node_of`` count nodes from the start of a layer."""

    level: np.ndarray
    label: np.ndarray
    size: np.ndarray
    parent: np.ndarray
    node_of: np.ndarray  # of each entry


def build_tree(
    labels: Tensor, features: Tensor | None = None, classes: Tensor | None = None
) -> Tree:
    """Build a tree from the labels of all levels.

    Args:
        labels: integers >= 0, fine to coarse, without level 1, the images; shape (L, N) with
            L >= 1 and N >= 1.
        features: of the images, shape (N, d).
        classes: true classes, integers >= 0, shape (N,).
    """
    levels, images = labels.shape
    if nesting_conformity(labels) == 1:
        image, layers = np.arange(images), _nested_layers(labels.cpu().numpy())
    else:
        image, layers = np.tile(np.arange(images), levels), _apart_layers(labels.cpu().numpy())
    unit = None if features is None else normalize(features.cpu().float(), dim=1)
    central = [_central(layer.node_of, image, unit) for layer in layers]
    prototype, cohesion, _ = map(np.concatenate, zip(*central, strict=True))
    most_frequent, agreeing = None, None
    if classes is not None:
        kinds = classes.cpu()[image]
        found = [majority(torch.from_numpy(layer.node_of), kinds) for layer in layers]
        most_frequent = np.concatenate([each.values for each in found])
        agreeing = np.concatenate([each.counts for each in found])
    first_child, children = _children(layers)
    return Tree(
        order=image[np.lexsort((-central[-1][2], layers[-1].node_of))],
        level=np.concatenate([layer.level for layer in layers]),
        label=np.concatenate([layer.label for layer in layers]),
        start=np.concatenate([layer.size.cumsum() - layer.size for layer in layers]),
        size=np.concatenate([layer.size for layer in layers]),
        first_child=first_child,
        children=children,
        prototype=prototype,
        cohesion=None if features is None else cohesion,
        majority=most_frequent,
        agreeing=agreeing,
    )


def _nested_layers(labels: np.ndarray) -> list[_Layer]:
    layers = [_root(labels.shape[1])]
    for level in range(len(labels) + 1, 1, -1):
        layers.append(_below(layers[-1], labels[level - 2], np.array(level)))
    return layers


def _apart_layers(labels: np.ndarray) -> list[_Layer]:
    """Build the layers over L copies of the images, one per level, in which the levels nest."""
    root = _root(labels.size)
    whole = _below(root, np.repeat(np.arange(2, len(labels) + 2), labels.shape[1]), np.array(0))
    clusters = _below(whole, labels.reshape(-1), np.array(0))
    return [root, whole, clusters._replace(level=whole.label[clusters.parent])]


def _root(entries: int) -> _Layer:
    zero = np.zeros(1, dtype=np.int64)
    return _Layer(zero, zero, np.array([entries]), zero, np.zeros(entries, dtype=np.int64))


def _below(above: _Layer, labels: np.ndarray, level: np.ndarray) -> _Layer:
    """Build the layer of the clusters ``labels`` (M,) of the entries."""
    stride = int(labels.max()) + 1
    key, inverse, size = np.unique(
        above.node_of * stride + labels, return_inverse=True, return_counts=True
    )
    parent, label = np.divmod(key, stride)
    order = np.lexsort((label, -size, parent))
    number = np.argsort(order)
    return _Layer(
        np.broadcast_to(level, key.shape),
        label[order],
        size[order],
        parent[order],
        number[inverse],
    )


def _children(layers: list[_Layer]) -> tuple[np.ndarray, np.ndarray]:
    """Return the first child and the number of children of each node."""
    counts = [
        np.bincount(below.parent, minlength=len(above.size))
        for above, below in zip(layers, layers[1:], strict=False)
    ]
    count = np.concatenate([*counts, np.zeros_like(layers[-1].size)])
    return 1 + count.cumsum() - count, count


def _central(
    node_of: np.ndarray, image: np.ndarray, unit: Tensor | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find each node's most central image and mean cosine to its centre; and all cosines."""
    size = np.bincount(node_of)
    cosine = np.zeros(len(image), dtype=np.float32)
    if unit is not None:
        rows, nodes = torch.from_numpy(image), torch.from_numpy(node_of)
        centers = normalize(segment_sum(unit, rows, group_rows(nodes)), dim=1)
        pieces = zip(rows.split(_PIECE), nodes.split(_PIECE), strict=True)
        cosine = torch.cat([(unit[r] * centers[n]).sum(1) for r, n in pieces]).numpy()
    first = np.lexsort((-cosine, node_of))[size.cumsum() - size]
    return image[first], np.bincount(node_of, cosine) / size, cosine
