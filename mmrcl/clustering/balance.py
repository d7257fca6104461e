"""Balanced subsets: sampling down the tree of a hierarchy."""

import torch
from torch import Tensor

from mmrcl.arguments import check_levels, check_tensor

from .hierarchy import canonical_labels
from .segments import group_rows


def balanced_order(labels: Tensor, priority: Tensor | None = None, seed: int = 0) -> Tensor:
    """Order the images so that the first n, for every n, are a subset balanced at each level.

    The subset is the one of hierarchical sampling (Vo et al., 2024): the coarsest
    clusters share n equally, but none gets more than it has images; each divides its share in the
    same way among its clusters of the level below, and so on. Dealing one image after another does
    this for all n at once: a cluster takes the first image of each cluster inside it, then the
    second of each, and so on; clusters without images left drop out. Shares that cannot be equal
    differ by one, in favour of clusters drawn by ``seed``. A smaller subset is part of a larger
    one.

    Args:
        labels: nested labels, from fine to coarse, shape (L, N).
        priority: order in which the images of a finest cluster are taken, the smallest number
            first, ties to the smaller index, shape (N,); by default at random.
        seed: seed of all draws; the order is the same on every device.

    Returns:
        All images in this order, shape (N,).

    Raises:
        ValueError: if the levels do not nest, or the shapes do not fit.
    """
    labels = check_levels(labels)
    num = labels.shape[1]
    images = torch.arange(num, device=labels.device)
    generator = torch.Generator().manual_seed(seed)
    # Each level deals out the clusters of the one below; level 1 is the images themselves.
    cluster, place = images, torch.zeros_like(images)
    turn = None if priority is None else _ranks(priority, num)
    for number, level in enumerate([*labels, torch.zeros_like(images)], 2):
        above = canonical_labels(level)
        if not torch.equal(above, above[cluster]):
            raise ValueError(
                f'level {number} splits clusters of the level below: sample from a hierarchy whose '
                'levels nest, as those of FirstNeighborSource do'
            )
        if turn is None:
            turn = torch.randperm(num, generator=generator).to(images)
        place = _deal(above, place, turn[cluster])
        cluster, turn = above, None
    return place.argsort()


def _ranks(priority: Tensor, num: int) -> Tensor:
    priority = check_tensor(priority, 'priority')
    if priority.shape != (num,):
        raise ValueError(f'priority of shape {tuple(priority.shape)} must be of shape ({num},)')
    return priority.argsort(stable=True).argsort()


def _deal(above: Tensor, place: Tensor, turn: Tensor) -> Tensor:
    """Return the place of each image in its cluster ``above``: by ``place``, then by ``turn``."""
    images = torch.arange(len(above), device=above.device)
    order = (place * len(above) + turn).argsort()
    groups = group_rows(above[order])
    dealt = torch.empty_like(place)
    dealt[order[groups.order]] = images - groups.starts.repeat_interleave(groups.counts)
    return dealt
