"""Agreement of clusters with known classes."""

from typing import NamedTuple

import numpy as np
import torch
from scipy.special import gammaln
from scipy.stats import entropy
from sklearn.metrics import mutual_info_score
from torch import Tensor

from mmrcl.arguments import check_labels
from mmrcl.clustering import majority

__all__ = [
    'ClusterTable',
    'adjusted_mutual_info',
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
    labels, classes = _checked(labels, classes)
    label, cluster, size = torch.unique(labels.cpu(), return_inverse=True, return_counts=True)
    names, kind = torch.unique(classes.cpu(), return_inverse=True)
    _, most_frequent, count = majority(cluster, kind)
    order = torch.argsort(size, descending=True, stable=True)
    table = (label, size, names[most_frequent], count.double() / size)
    return ClusterTable(*(column[order].numpy() for column in table))


def purity(labels: Tensor, classes: Tensor, min_size: int = 1) -> float:
    """Return the share of images that belong to their cluster's majority class, in (0, 1].

    A cluster of one image is always pure, so singletons inflate the purity;
    ``min_size=2`` leaves them out. The result is NaN if no cluster is left.

    Args:
        labels: Cluster of every image, (N,) integers.
        classes: Class of every image, (N,) integers.
        min_size: Clusters with fewer images are left out.
    """
    table = cluster_table(labels, classes)
    weight = table.size * (table.size >= min_size)
    return float(weight @ table.purity / weight.sum()) if weight.any() else float('nan')


def same_cluster_precision(labels: Tensor, classes: Tensor) -> float:
    """Return the share of an image's same-cluster samples that are of its class, in [0, 1].

    This is the probability that a key drawn uniformly from the query's cluster is
    of the query's class, averaged over the images in clusters of two or more; NaN
    if there are none.

    Args:
        labels: Cluster of every image, (N,) integers.
        classes: Class of every image, (N,) integers.
    """
    labels, classes = _checked(labels, classes)
    _, cluster, size = np.unique(labels.cpu().numpy(), return_inverse=True, return_counts=True)
    names, kind = np.unique(classes.cpu().numpy(), return_inverse=True)
    _, place, alike = np.unique(
        cluster * len(names) + kind, return_inverse=True, return_counts=True
    )
    others = size[cluster] - 1
    same_class = alike[place] - 1
    if not others.any():
        return float('nan')
    return float(np.mean(same_class[others > 0] / others[others > 0]))


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
    labels, classes = _checked(labels, classes)
    found, known = labels.cpu().numpy(), classes.cpu().numpy()
    rows, columns = (np.unique(part, return_counts=True)[1] for part in (found, known))
    expected = _expected_mutual_info(rows, columns, len(found))
    bound = (entropy(rows) + entropy(columns)) / 2
    # As in scikit-learn: two trivial partitions agree, so 0 / 0 counts as 1.
    gained = _away_from_zero(mutual_info_score(known, found) - expected)
    return gained / _away_from_zero(bound - expected)


def _checked(labels: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    labels = check_labels(labels)
    return labels, check_labels(classes, 'classes', len(labels))


def _expected_mutual_info(rows: np.ndarray, columns: np.ndarray, total: int) -> float:
    """Compute the expected mutual information of random partitions with these cluster sizes.

    It is the sum over clusters a, b and their possible overlaps n of n / N log(N n / (a b)),
    weighted by the hypergeometric probability of n. Clusters of equal size share one term.
    """
    log_factorial = gammaln(np.arange(total + 1) + 1.0)
    b, times_b = np.unique(columns, return_counts=True)
    expected = 0.0
    for a, times_a in zip(*np.unique(rows, return_counts=True), strict=True):
        n = np.arange(1, min(a, b[-1]) + 1)[:, None]
        possible = (n <= b) & (n >= a + b - total)
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
