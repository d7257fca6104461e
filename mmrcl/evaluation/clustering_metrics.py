"""How well clusters agree with known classes."""

from typing import NamedTuple

import numpy as np
from sklearn.metrics import adjusted_mutual_info_score
from torch import Tensor

__all__ = ['ClusterTable', 'adjusted_mutual_info', 'cluster_table', 'purity']


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
    label, cluster = np.unique(labels.cpu().numpy(), return_inverse=True)
    names, kind = np.unique(classes.cpu().numpy(), return_inverse=True)
    pairs, counts = np.unique(cluster * len(names) + kind, return_counts=True)
    pair_cluster, pair_kind = np.divmod(pairs, len(names))
    most_frequent_first = np.lexsort((pair_kind, -counts, pair_cluster))
    _, first = np.unique(pair_cluster[most_frequent_first], return_index=True)
    top = most_frequent_first[first]
    size = np.bincount(cluster)
    order = np.argsort(-size, kind='stable')
    table = ClusterTable(label, size, names[pair_kind[top]], counts[top] / size)
    return ClusterTable(*(column[order] for column in table))


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


def adjusted_mutual_info(labels: Tensor, classes: Tensor) -> float:
    """Give the mutual information of clusters and classes, adjusted for chance.

    It is 1 for equal partitions and about 0 for independent ones, however many
    clusters there are (Vinh et al., 2010; scikit-learn's, arithmetic mean). The
    expectation behind it takes time with clusters x classes: minutes where
    hundreds of thousands of clusters meet a thousand classes.

    Args:
        labels: Cluster of every image, (N,) integers.
        classes: Class of every image, (N,) integers.
    """
    return float(adjusted_mutual_info_score(classes.cpu().numpy(), labels.cpu().numpy()))
