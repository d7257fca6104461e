"""Measure how well offline clusterings nest, as in Sect. 5.3, on the keys of a checkpoint.

Each level is clustered independently, by K-means and by DBSCAN. In DBSCAN, border points join their
nearest core point at each radius separately or, with scikit-learn, the cluster found first. Each
noise point is a cluster of its own, or all noise is one cluster. The paper does not state its
rules. It reports that 73.88 % of the images conform for K-means with 1,000,000 / 500,000 / 250,000
clusters of ImageNet's 1.28 million images and 97.3 % for DBSCAN with radii 0.6 / 0.7 / 0.8.
HierarchicalKMeansSource and DBSCANSource have 100 % by construction.
"""

import argparse
import sys
from pathlib import Path

import mmrcl.threads  # noqa: F401  before torch

import numpy as np
import torch
from checkpoint_keys import extract_keys
from mmengine.config import Config
from sklearn.cluster import DBSCAN
from torch import Tensor

from mmrcl.clustering import (
    EuclideanGraph,
    KMeansSource,
    nested_dbscan,
    nesting_conformity,
    summarize_partition,
)
from mmrcl.launch import add_trust_argument

MEAN_SIZES = (1.28, 2.56, 5.12)


def dbscan(features: Tensor, eps: list[float], min_samples: int) -> Tensor:
    """Cluster by DBSCAN at each radius independently, -1 for noise, shape (L, N)."""
    graph = EuclideanGraph(features)
    found = [nested_dbscan(graph, [radius], min_samples) for radius in eps]
    labels = torch.cat([level.labels for level in found])
    alone = torch.stack([level.bincount(minlength=len(level))[level] == 1 for level in labels])
    return labels.masked_fill(alone & ~torch.cat([level.core for level in found]), -1)


def sklearn_dbscan(features: Tensor, eps: list[float], min_samples: int) -> Tensor:
    """Cluster as :func:`dbscan`, by scikit-learn."""
    levels = [DBSCAN(eps=radius, min_samples=min_samples).fit_predict(features) for radius in eps]
    return torch.from_numpy(np.stack(levels)).long()


ALGORITHMS = {'DBSCAN': dbscan, "scikit-learn's": sklearn_dbscan}


def noise_alone(labels: Tensor) -> Tensor:
    """Make each noise point, -1, a cluster of its own."""
    return torch.where(labels < 0, -1 - torch.arange(labels.shape[1]), labels)


def show(name: str, labels: Tensor) -> None:
    sizes = [summarize_partition(level) for level in labels]
    listed = ' / '.join(f'{level.clusters} ({level.largest})' for level in sizes)
    print(f'{name:36} {nesting_conformity(labels):10.2%}  {listed}')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', type=Path)
    parser.add_argument('checkpoint', type=Path)
    parser.add_argument(
        '--eps', type=float, nargs='+', default=[0.6, 0.7, 0.8], help='radii (default: 0.6 0.7 0.8)'
    )
    parser.add_argument('--min-samples', type=int, default=4, help='of DBSCAN (default: 4)')
    parser.add_argument(
        '--num-clusters',
        type=int,
        nargs='+',
        help="of K-means, finest level first (default: the paper's images per cluster)",
    )
    parser.add_argument(
        '--sklearn',
        action='store_true',
        help="also run scikit-learn's DBSCAN, whose memory grows with the pairs within a radius",
    )
    add_trust_argument(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    try:
        features = extract_keys(
            Config.fromfile(args.config), args.checkpoint, args.trust_checkpoint
        ).features
    except ValueError as error:
        sys.exit(f'error: {error}')
    clusters = args.num_clusters or [round(len(features) / size) for size in MEAN_SIZES]
    print(f'{"":36} {"conforming":>10}  clusters (largest), fine to coarse')
    for name, cluster in ALGORITHMS.items() if args.sklearn else list(ALGORITHMS.items())[:1]:
        labels = cluster(features, args.eps, args.min_samples)
        show(name, noise_alone(labels))
        show(f'{name}, noise as one cluster', labels)
    show('K-means', KMeansSource(clusters)(features))


if __name__ == '__main__':
    main()
