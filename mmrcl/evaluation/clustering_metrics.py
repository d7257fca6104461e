"""Agreement of clusters with known classes."""

from typing import NamedTuple

import numpy as np
import torch
from scipy.special import gammaln
from scipy.stats import entropy
from torch import Tensor

from mmrcl.arguments import check_labels
from mmrcl.clustering import Contingency, contingency

__all__ = [
    'Agreement',
    'ClusterTable',
    'adjusted_mutual_info',
    'agreement',
    'cluster_table',
    'same_cluster_precision',
    'purity',
]


class ClusterTable(NamedTuple):
    """Composition of K clusters, the largest first, ties by label.

    Attributes:
        label: Label of the cluster, (K,).
        size: Number of its images, (K,).
        majority: Its most frequent class, ties to the lowest, (K,).
        purity: Share of its images in that class, (K,) in (0, 1].
    """

    label: np.ndarray
    size: np.ndarray
    majority: np.ndarray
    purity: np.ndarray


def cluster_table(labels: Tensor, classes: Tensor) -> ClusterTable:
    """Tabulate size, majority class and purity of each cluster.

    Args:
        labels: Cluster of every image, (N,) integers.
        classes: Class of every image, (N,) integers.
    """
    table = _table(labels, classes)
    label, most_frequent, count = table.majority()
    size = table.row_sizes[table.row_sizes > 0]
    order = torch.argsort(size, descending=True, stable=True)
    columns = (label, size, most_frequent, count.double() / size)
    return ClusterTable(*(column[order].numpy() for column in columns))


class Agreement(NamedTuple):
    """Agreement of a partition with known classes; NaN where a measure is undefined.

    Attributes:
        ami: see :func:`adjusted_mutual_info`.
        purity: see :func:`purity`, of clusters of two or more images.
        same_cluster_precision: see :func:`same_cluster_precision`.
    """

    ami: float
    purity: float
    same_cluster_precision: float


def agreement(labels: Tensor, classes: Tensor) -> Agreement:
    """Compute three measures of agreement from one table of clusters and classes.

    Args:
        labels: Cluster of every image, (N,) integers.
        classes: Class of every image, (N,) integers.
    """
    table = _table(labels, classes)
    return Agreement(_adjusted_mutual_info(table), _purity(table, 2), _precision(table))


def purity(labels: Tensor, classes: Tensor, min_size: int = 1) -> float:
    """Return the share of images that belong to their cluster's majority class, in (0, 1].

    A cluster of one image is always pure, so singletons inflate the purity;
    ``min_size=2`` leaves them out. The result is NaN if no cluster is left.

    Args:
        labels: Cluster of every image, (N,) integers.
        classes: Class of every image, (N,) integers.
        min_size: Clusters with fewer images are left out.
    """
    return _purity(_table(labels, classes), min_size)


def _purity(table: Contingency, min_size: int) -> float:
    size = table.row_sizes[table.row_sizes > 0]
    counted = size >= min_size
    images = int(size[counted].sum())
    return int(table.majority().counts[counted].sum()) / images if images else float('nan')


def same_cluster_precision(labels: Tensor, classes: Tensor) -> float:
    """Return the share of an image's same-cluster samples that are of its class, in [0, 1].

    This is the probability that a key drawn uniformly from the query's cluster is
    of the query's class, averaged over the images in clusters of two or more; NaN
    if there are none.

    Args:
        labels: Cluster of every image, (N,) integers.
        classes: Class of every image, (N,) integers.
    """
    return _precision(_table(labels, classes))


def _precision(table: Contingency) -> float:
    others = table.row_sizes[table.row] - 1
    images = int(table.counts[others > 0].sum())
    alike = table.counts.double() * (table.counts - 1) / others.clamp(min=1)
    return float(alike.sum()) / images if images else float('nan')


def adjusted_mutual_info(labels: Tensor, classes: Tensor) -> float:
    """Compute the mutual information of clusters and classes, adjusted for chance.

    It is 1 for equal partitions and about 0 for independent ones, for any number
    of clusters (Vinh et al., 2010, arithmetic mean). The value is that of
    scikit-learn's ``adjusted_mutual_info_score``, whose expectation takes time
    proportional to clusters x classes, minutes for ImageNet; here it is
    proportional to the number of distinct cluster and class sizes.

    Args:
        labels: Cluster of every image, (N,) integers.
        classes: Class of every image, (N,) integers.
    """
    return _adjusted_mutual_info(_table(labels, classes))


def _adjusted_mutual_info(table: Contingency) -> float:
    rows, columns = (part[part > 0].numpy() for part in (table.row_sizes, table.col_sizes))
    expected = _expected_mutual_info(rows, columns, int(rows.sum()))
    bound = (entropy(rows) + entropy(columns)) / 2
    # As in scikit-learn: two trivial partitions agree, so 0 / 0 counts as 1.
    gained = _away_from_zero(_mutual_info(table) - expected)
    return gained / _away_from_zero(bound - expected)


def _mutual_info(table: Contingency) -> float:
    total = int(table.counts.sum())
    chance = table.row_sizes[table.row].double() * table.col_sizes[table.col]
    gained = table.counts * (total * table.counts / chance).log()
    return max(float(gained.sum()) / total, 0.0)


def _table(labels: Tensor, classes: Tensor) -> Contingency:
    """Tabulate clusters and classes on the CPU."""
    labels = check_labels(labels)
    return contingency(labels.cpu(), check_labels(classes, 'classes', len(labels)).cpu())


def _expected_mutual_info(rows: np.ndarray, columns: np.ndarray, total: int) -> float:
    """Compute the expected mutual information of random partitions with these cluster sizes.

    It is the sum over clusters a, b and their possible overlaps n of n / N log(N n / (a b)),
    weighted by the hypergeometric probability of n. Clusters of equal size share one term. Overlaps
    that are less likely than 1e-30 (Hoeffding) are left out.
    """
    log_factorial = gammaln(np.arange(total + 1) + 1.0)
    b, times_b = np.unique(columns, return_counts=True)
    expected = 0.0
    for a, times_a in zip(*np.unique(rows, return_counts=True), strict=True):
        least, most = np.maximum(1, a + b - total), np.minimum(a, b)
        reach = np.sqrt(35.0 * most)
        least = np.maximum(least, np.floor(a * b / total - reach).astype(int))
        most = np.minimum(most, np.ceil(a * b / total + reach).astype(int))
        n = least + np.arange((most - least).max() + 1)[:, None]
        possible = n <= most
        rest = [np.where(possible, part, 0) for part in (n, a - n, b - n, total - a - b + n)]
        log_chance = log_factorial[[a, total - a]].sum() - log_factorial[total]
        log_chance = log_chance + log_factorial[b] + log_factorial[total - b]
        log_chance = log_chance - sum(log_factorial[part] for part in rest)
        chance = np.exp(np.where(possible, log_chance, -np.inf))
        terms = n / total * (np.log(n) + np.log(total / a) - np.log(b)) * chance
        expected += float(times_a * (times_b * terms).sum())
    return expected


def _away_from_zero(value: float) -> float:
    smallest = float(np.finfo(np.float64).eps)
    return min(value, -smallest) if value < 0 else max(value, smallest)
