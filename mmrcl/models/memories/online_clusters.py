"""The memories of online deep clustering (Zhan et al., CVPR 2020, Sect. 3)."""

from typing import Any

import torch
from torch import Tensor

from mmrcl.clustering import Groups, group_rows, nearest_neighbors, segment_mean
from mmrcl.registry import MODELS

from ..full_precision import full_precision
from .pseudo_labels import PseudoLabels

_ITERATIONS = 10  # of the K-means that splits a cluster


@MODELS.register_module()
class OnlineClusters(PseudoLabels):
    """Samples memory and centroids memory: clusters that move with each step.

    The samples memory is the bank, a mean of the features of each image, and the label. A step
    moves the entries of its images and gives each the label of the nearest centroid
    (:meth:`relabel`). Now and then centroids become the means of their clusters, after small
    clusters have been dissolved and as many of the largest ones split (:meth:`update_centroids`).

    Args:
        num_classes: K, the number of clusters, which does not change.
        min_size: clusters of fewer images are dissolved: an image goes to the nearest centroid of
            the others.
        feat_dim: d, length of a feature.
        bank_momentum: share of its old value that a bank entry keeps.
        **kwargs: arguments of :class:`mmrcl.clustering.LabelHierarchy`.

    Raises:
        ValueError: for a negative least size.

    Attributes:
        centroids: means of the clusters, not normalised, shape (K, d).
    """

    centroids: Tensor

    def __init__(
        self,
        num_classes: int,
        min_size: int = 20,
        feat_dim: int = 256,
        bank_momentum: float = 0.5,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_classes, 2, feat_dim, bank_momentum=bank_momentum, **kwargs)
        if min_size < 0:
            raise ValueError(f'model.hierarchy.min_size={min_size} must be at least 0')
        self.min_size = min_size
        self.register_buffer('centroids', torch.zeros(num_classes, feat_dim))

    def set_labels(self, labels: Tensor, nested: bool = False) -> None:
        """Replace the labels and compute the centroids from the bank.

        Raises:
            ValueError: if clusters of the mean size could not be split, and as
                :class:`PseudoLabels`.
        """
        self._check_min_size()
        super().set_labels(labels)
        self.update_centroids()

    def _check_min_size(self) -> None:
        if 2 * self.min_size * self.num_classes > self.num_samples:
            raise ValueError(
                f'model.hierarchy.min_size={self.min_size} must be at most '
                f'{self.num_samples // (2 * self.num_classes)}, half the mean size of a cluster '
                f'({self.num_samples} images, num_classes={self.num_classes}), or some could not '
                'be split: lower it, or num_classes'
            )

    def _load_from_state_dict(self, *args: Any) -> None:
        super()._load_from_state_dict(*args)
        if self.clustered:
            self._check_min_size()

    @torch.no_grad()
    def relabel(self, indices: Tensor, features: Tensor) -> Tensor:
        """Move the bank entries of a batch, and label its images by the nearest centroids.

        Args:
            indices: images, shape (n,).
            features: their L2-normalised features, shape (n, d).

        Returns:
            The share of the images whose label changed.
        """
        self.update_bank(indices, features)
        old = self.labels[0, indices]
        new = self._nearest(indices, self.sizes[0] > 0)
        self.labels[0, indices] = new
        self._count()
        return (new != old).float().mean()

    @torch.no_grad()
    def update_centroids(self) -> None:
        """Move the centroids to the means of their clusters, none of which stays small."""
        self._average()
        if bool((self.sizes < self.min_size).any()):
            self._rebalance()
            self._average()

    def _average(self) -> None:
        groups = group_rows(self.labels[0])
        self.centroids[groups.ids] = segment_mean(self.bank, groups).to(self.centroids)

    def _nearest(self, images: Tensor, allowed: Tensor) -> Tensor:
        """Return the nearest of the ``allowed`` centroids (K,) to the entries of images (n,)."""
        # |f - c|^2 is least where f . c - |c|^2 / 2 is largest.
        entries = self.bank[images].to(self.centroids)
        offsets = self.centroids.pow(2).sum(1, keepdim=True) / -2
        with full_precision(entries):
            _, place = nearest_neighbors(
                torch.cat([entries, torch.ones_like(entries[:, :1])], 1),
                torch.cat([self.centroids, offsets], 1),
                k=1,
                mask=lambda _, columns: allowed[columns][None],
            )
        return place[:, 0]

    def _rebalance(self) -> None:
        """Dissolve the small clusters, and give their numbers to halves of the largest.

        The paper splits one cluster after another; here those of similar size are split at once.
        """
        small = self.sizes[0] < self.min_size
        lone = small[self.labels[0]].nonzero()[:, 0]
        self.labels[0, lone] = self._nearest(lone, ~small)
        self._count()
        free = small.nonzero()[:, 0]
        while len(free):
            # Those larger than the halves of the largest will be.
            sizes, order = self.sizes[0].sort(descending=True, stable=True)
            large = int(((2 * sizes >= sizes[0]) & (sizes >= 2 * self.min_size)).sum())
            largest = order[: min(len(free), large)]
            self._split(largest, free[: len(largest)])
            free = free[len(largest) :]

    def _split(self, chosen: Tensor, free: Tensor) -> None:
        """Move one half of each of the ``chosen`` clusters to the numbers ``free``."""
        labels = self.labels[0]
        target = labels.new_full((self.num_classes,), -1)
        target[chosen] = free
        rows = (target[labels] >= 0).nonzero()[:, 0]
        features = self.bank[rows].to(self.centroids)
        rows = rows[_second_halves(features, group_rows(labels[rows]), self.min_size)]
        labels[rows] = target[labels[rows]]
        self._count()


def _second_halves(features: Tensor, groups: Groups, least: int) -> Tensor:
    """Split each group of features (n, d) in two by K-means; return the rows of second halves.

    The centres start at the feature farthest from the mean, and the one farthest from that, so
    nothing is drawn. Each half has at least ``least`` rows.
    """
    ends = groups.starts + groups.counts - 1
    means = segment_mean(features, groups)
    first = features[_ordered((features - means[groups.inverse]).norm(dim=1), groups)[ends]]
    second = features[_ordered((features - first[groups.inverse]).norm(dim=1), groups)[ends]]
    centers = torch.stack([first, second], 1).flatten(0, 1)
    for _ in range(_ITERATIONS):
        margins = _margins(features, centers.unflatten(0, (-1, 2)), groups)
        halves = group_rows(2 * groups.inverse + (margins > 0))
        centers[halves.ids] = segment_mean(features, halves)
    margins = _margins(features, centers.unflatten(0, (-1, 2)), groups)
    nearer = torch.zeros_like(groups.counts).scatter_add_(0, groups.inverse, (margins <= 0).long())
    cuts = nearer.clamp(min=least).minimum(groups.counts - least)
    place = torch.arange(len(features), device=features.device)
    owners = torch.searchsorted(ends, place)
    return _ordered(margins, groups)[place - groups.starts[owners] >= cuts[owners]]


def _margins(features: Tensor, centers: Tensor, groups: Groups) -> Tensor:
    """Return how much nearer each feature is to the second centre of its group, shape (n,)."""
    way = centers[:, 1] - centers[:, 0]
    middle = (centers.sum(1) * way).sum(1) / 2
    return (features * way[groups.inverse]).sum(1) - middle[groups.inverse]


def _ordered(values: Tensor, groups: Groups) -> Tensor:
    """Return the rows group after group, by ascending values (n,) inside each."""
    order = values.argsort(stable=True)
    return order[groups.inverse[order].argsort(stable=True)]
