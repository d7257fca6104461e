"""Measures of a partition without true labels."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmrcl.arguments import check_integers, check_labels, check_levels


@dataclass(frozen=True)
class PartitionSummary:
    """Sizes of a partition.

    Attributes:
        clusters: number of clusters.
        largest: images in the largest one.
        singletons: clusters of one image.
        mean_size: images a cluster.
    """

    clusters: int
    largest: int
    singletons: int
    mean_size: float


class Majority(NamedTuple):
    """The most frequent value of each group.

    Attributes:
        ids: the groups, ascending, shape (G,).
        values: most frequent value, the smallest of several, shape (G,).
        counts: how often it occurs, shape (G,).
    """

    ids: Tensor
    values: Tensor
    counts: Tensor


class Contingency(NamedTuple):
    """How many images each label of one partition shares with each label of another.

    Attributes:
        rows: labels of the first partition, ascending; may hold labels that do not occur.
        cols: those of the second.
        row: place in ``rows`` of each pair of labels that occurs, ascending, shape (P,).
        col: place in ``cols``, ascending inside a row, shape (P,).
        counts: images of each pair, shape (P,).
        row_sizes: images of each of ``rows``, 0 if it does not occur.
        col_sizes: images of each of ``cols``.
    """

    rows: Tensor
    cols: Tensor
    row: Tensor
    col: Tensor
    counts: Tensor
    row_sizes: Tensor
    col_sizes: Tensor

    def majority(self) -> Majority:
        """Find the most frequent label of ``cols`` for each label of ``rows`` that occurs."""
        most = torch.zeros_like(self.row_sizes).scatter_reduce_(0, self.row, self.counts, 'amax')
        best = torch.where(self.counts == most[self.row], self.col, len(self.cols))
        smallest = torch.full_like(most, len(self.cols)).scatter_reduce_(0, self.row, best, 'amin')
        found = self.row_sizes.nonzero()[:, 0]
        return Majority(self.rows[found], self.cols[smallest[found]], most[found])


def contingency(first: Tensor, second: Tensor) -> Contingency:
    """Tabulate two partitions given as integer labels of the same images, shape (N,).

    It sorts the images once, by pairs of labels.
    """
    first = check_labels(first, 'first')
    return _tabulated(first, check_labels(second, 'second', len(first)))


def _tabulated(first: Tensor, second: Tensor) -> Contingency:
    rows, row = _places(first)
    cols, col = _places(second)
    keys = _sorted(row * len(cols) + col)
    pairs, counts = torch.unique_consecutive(keys, return_counts=True)
    sizes = (torch.bincount(*part) for part in ((row, None, len(rows)), (col, None, len(cols))))
    row = torch.div(pairs, max(len(cols), 1), rounding_mode='floor')
    return Contingency(rows, cols, row, pairs - row * len(cols), counts, *sizes)


def _sorted(keys: Tensor) -> Tensor:
    # NumPy sorts integers several times as fast as torch on a CPU.
    if keys.device.type == 'cpu':
        return torch.from_numpy(np.sort(keys.numpy()))
    return keys.sort().values


def _places(labels: Tensor) -> tuple[Tensor, Tensor]:
    """List ascending labels, and the place of each image's label in the list."""
    labels = labels.long()
    if len(labels):
        low, high = (int(bound) for bound in labels.aminmax())
        if high - low < 4 * len(labels):
            return torch.arange(low, high + 1, device=labels.device), labels - low
    names, place = torch.unique(labels, return_inverse=True)
    return names, place


def summarize_partition(labels: Tensor) -> PartitionSummary:
    """Count the clusters of ``labels``, shape (N,), N >= 1."""
    labels = check_labels(labels)
    sizes = torch.bincount(_places(labels)[1])
    counts = sizes[sizes > 0]
    return PartitionSummary(
        clusters=len(counts),
        largest=int(counts.max()),
        singletons=int((counts == 1).sum()),
        mean_size=len(labels) / len(counts),
    )


def churn(before: Tensor, after: Tensor) -> float:
    """Compute the mean change of an image's cluster between two partitions, in [0, 1).

    For an image that was in cluster A and is in cluster B the change is the Jaccard distance,
    1 - ``|A and B| / |A or B|``. The mean is 0 for equal partitions under any names, symmetric, and
    a split counts as much as the merge that undoes it.
    Takes O(N log N).

    Args:
        before: labels, shape (N,), N >= 1.
        after: labels of the same images, shape (N,).
    """
    before = check_labels(before, 'before')
    after = check_labels(after, 'after', len(before))
    table = _tabulated(before, after)
    either = table.row_sizes[table.row] + table.col_sizes[table.col] - table.counts
    kept = table.counts.double() * table.counts / either
    return 1 - float(kept.sum()) / len(before)


def nesting_conformity(labels: Tensor) -> float:
    """Compute the share of images that conform to the cluster preserve property (Sect. 4.3).

    An image conforms if, at every level, its label one level up is that of most images of its
    cluster (ties to the smaller label). The paper reports 0.7388 for K-means and 0.973 for DBSCAN.

    Args:
        labels: shape (L, N), from fine to coarse.
    """
    labels = check_levels(labels)
    conform = torch.ones(labels.shape[1], dtype=torch.bool, device=labels.device)
    for fine, coarse in zip(labels[:-1], labels[1:], strict=True):
        found = majority(fine, coarse)
        conform &= coarse == found.values[torch.searchsorted(found.ids, fine.long())]
    return float(conform.double().mean())


def majority(keys: Tensor, values: Tensor) -> Majority:
    """Find the most frequent of the integers ``values`` (n,) in each group of ``keys`` (n,)."""
    keys, values = check_integers(keys, 'keys'), check_integers(values, 'values')
    if keys.ndim != 1 or keys.shape != values.shape:
        raise ValueError(
            f'keys of shape {tuple(keys.shape)} and values of shape {tuple(values.shape)} '
            'must both be of shape (n,)'
        )
    return _tabulated(keys, values).majority()
