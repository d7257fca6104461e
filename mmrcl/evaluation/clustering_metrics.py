"""How well clusters agree with known classes."""

from typing import NamedTuple

import numpy as np
import torch
from scipy.special import gammaln
from scipy.stats import entropy
from sklearn.metrics import mutual_info_score
from torch import Tensor

from mmrcl.clustering import majority

__all__ = [
    'ClusterTable',
    'adjusted_mutual_info',
    'cluster_table',
    'same_cluster_precision',
    'purity',
]


class ClusterTable(NamedTuple):
    """What each of K clusters holds, the largest first and then by label.

    Attributes:
        label: Label of the cluster, (K,).
        size: Number of its images, (K,).
        majority: Its most frequent class, the lowest of several, (K,).
        purity: Share of its images in that class, (K,) in (0, 1].
    """

    label: np.ndarray
    size: np.ndarray
    majority: np.ndarray
    purity: np.ndarray


def cluster_table(labels: Tensor, classes: Tensor) -> ClusterTable:
    """Compare each cluster with the classes of its images.

    Args:
        labels: Cluster of every image, (N,) integers.
        classes: Class of every image, (N,) integers.
    """
    label, cluster, size = torch.unique(labels.cpu(), return_inverse=True, return_counts=True)
    names, kind = torch.unique(classes.cpu(), return_inverse=True)
    _, most_frequent, count = majority(cluster, kind)
    order = torch.argsort(size, descending=True, stable=True)
    table = (label, size, names[most_frequent], count.double() / size)
    return ClusterTable(*(column[order].numpy() for column in table))


def purity(labels: Tensor, classes: Tensor, min_size: int = 1) -> float:
    """Give the share of images that are of their cluster's majority class, in (0, 1].

    A cluster of one image is always pure, so singletons flatter the figure;
    ``min_size=2`` leaves them out (and gives nan where nothing is left).

    Args:
        labels: Cluster of every image, (N,) integers.
        classes: Class of every image, (N,) integers.
        min_size: Clusters with fewer images are left out.
    """
    table = cluster_table(labels, classes)
    counted = table.size * (table.size >= min_size)
    return float(counted @ table.purity / counted.sum()) if counted.any() else float('nan')


def same_cluster_precision(labels: Tensor, classes: Tensor) -> float:
    """Give the share of an image's cluster mates that are of its class, in [0, 1].

    It is the chance that a key drawn evenly from the query's cluster shows the
    query's class, averaged over the images that have a mate; nan if none has.

    Args:
        labels: Cluster of every image, (N,) integers.
        classes: Class of every image, (N,) integers.
    """
    _, cluster, size = np.unique(labels.cpu().numpy(), return_inverse=True, return_counts=True)
    names, kind = np.unique(classes.cpu().numpy(), return_inverse=True)
    _, place, alike = np.unique(
        cluster * len(names) + kind, return_inverse=True, return_counts=True
    )
    mates = size[cluster] - 1
    right = alike[place] - 1
    return float(np.mean(right[mates > 0] / mates[mates > 0])) if mates.any() else float('nan')


def adjusted_mutual_info(labels: Tensor, classes: Tensor) -> float:
    """Give the mutual information of clusters and classes, adjusted for chance.

    It is 1 for equal partitions and about 0 for independent ones, however many
    clusters there are (Vinh et al., 2010, arithmetic mean). It is scikit-learn's
    ``adjusted_mutual_info_score``, whose expectation takes time with clusters x
    classes, minutes for ImageNet; here it takes time with distinct sizes of these.

    Args:
        labels: Cluster of every image, (N,) integers.
        classes: Class of every image, (N,) integers.
    """
    found, known = labels.cpu().numpy(), classes.cpu().numpy()
    rows, columns = (np.unique(part, return_counts=True)[1] for part in (found, known))
    expected = _expected_mutual_info(rows, columns, len(found))
    bound = (entropy(rows) + entropy(columns)) / 2
    # As in scikit-learn, so that two trivial partitions agree: 0 / 0 is 1.
    gained = _away_from_zero(mutual_info_score(known, found) - expected)
    return gained / _away_from_zero(bound - expected)


def _expected_mutual_info(rows: np.ndarray, columns: np.ndarray, total: int) -> float:
    """Mutual information to be expected of partitions with these cluster sizes.

    The sum over clusters a, b and their possible overlaps n of n / N log(N n / (a b)), weighted by
    the hypergeometric probability of n. Clusters of one size share their term.
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
