"""A few steps of methods whose memories all ranks keep, on the rank's share of each batch."""

from collections.abc import Callable

import torch
from mmpretrain.structures import DataSample
from torch import nn

from mmrcl.models import OnlineClusters

from . import test_adco, test_cluster_algorithms

STEPS, IMAGES = 6, 8
EVEN = dict(head=dict(loss=dict(power=0.0)))  # the mean of the ranks' losses is that of all images


def _in_clusters(algorithm: str) -> nn.Module:
    return test_cluster_algorithms.clustered(algorithm, **EVEN)


ALGORITHMS: dict[str, Callable[[], nn.Module]] = {
    'ODC': lambda: _in_clusters('ODC'),
    'ClusterClassifier': lambda: _in_clusters('ClusterClassifier'),
    'AdCo': lambda: test_adco.build(symmetric=True),
}


def train(model: nn.Module, wrapped: nn.Module, rank: int, num_ranks: int) -> int:
    """Train on images rank, rank + num_ranks, ... of each batch; return how often ODC rebalanced.

    Batch norm takes its running statistics, so that a share of a batch has the features that it
    has in the whole batch.
    """
    wrapped.eval()
    optimizer = torch.optim.SGD([each for each in model.parameters() if each.requires_grad], lr=0.3)
    generator = torch.Generator().manual_seed(2)
    clusters = getattr(model, 'hierarchy', None)
    rebalanced = 0
    for _ in range(STEPS):
        views = torch.randn(2, IMAGES, 3, 8, 8, generator=generator)
        indices = torch.randperm(20, generator=generator)[:IMAGES]
        samples = [DataSample(metainfo=dict(sample_idx=int(index))) for index in indices]
        inputs = list(views[: 1 if clusters is not None else 2, rank::num_ranks])
        losses = wrapped(inputs, samples[rank::num_ranks], mode='loss')
        optimizer.zero_grad()
        sum(value for name, value in losses.items() if 'loss' in name).backward()
        optimizer.step()
        if isinstance(clusters, OnlineClusters):
            rebalanced += int((clusters.sizes < clusters.min_size).any())
            clusters.update_centroids()
    return rebalanced
