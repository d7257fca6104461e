"""Measures of a partition without true labels."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from mmrcl.arguments import check_integers, check_labels, check_levels

from .segments import group_rows


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


def summarize_partition(labels: Tensor) -> PartitionSummary:
    """Count the clusters of ``labels``, shape (N,), N >= 1."""
    labels = check_labels(labels)
    counts = torch.unique(labels, return_counts=True)[1]
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
    old, new = (
        torch.unique(part, return_inverse=True, return_counts=True) for part in (before, after)
    )
    pairs, both = torch.unique(old[1] * len(new[0]) + new[1], return_counts=True)
    either = old[2][pairs // len(new[0])] + new[2][pairs % len(new[0])] - both
    kept = both.double() * both / either
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
        conform &= coarse == found.values[torch.searchsorted(found.ids, fine)]
    return float(conform.double().mean())


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


def majority(keys: Tensor, values: Tensor) -> Majority:
    """Find the most frequent of the integers ``values`` (n,) in each group of ``keys`` (n,)."""
    keys, values = check_integers(keys, 'keys'), check_integers(values, 'values')
    if keys.ndim != 1 or keys.shape != values.shape:
        raise ValueError(
            f'keys of shape {tuple(keys.shape)} and values of shape {tuple(values.shape)} '
            'must both be of shape (n,)'
        )
    ids, group = torch.unique(keys, return_inverse=True)
    kinds, kind = torch.unique(values, return_inverse=True)
    pairs, counts = torch.unique(group * len(kinds) + kind, return_counts=True)
    group, kind = pairs // max(len(kinds), 1), pairs % max(len(kinds), 1)
    # Pairs ascend, and both sorts are stable, so the smallest of several comes first.
    by_count = torch.argsort(counts, descending=True, stable=True)
    by_group = by_count[torch.argsort(group[by_count], stable=True)]
    top = by_group[group_rows(group[by_group]).starts]
    return Majority(ids, kinds[kind[top]], counts[top])
