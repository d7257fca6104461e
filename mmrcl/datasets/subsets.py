"""Stratified subsets of a labelled dataset, for evaluation with few labels."""

import torch
from torch import Tensor

from mmrcl.arguments import check_labels

__all__ = ['stratified_subset']


def stratified_subset(labels: Tensor, fraction: float, seed: int = 0) -> Tensor:
    """Draw the same share of every class.

    A class of n images contributes ``max(1, round(fraction * n))`` of them. Each
    seed ranks the images of a class once, and a subset takes the first of that
    ranking: for one seed, a smaller subset is contained in a larger one.

    Args:
        labels: Classes of all images, (N,) integers >= 0.
        fraction: Share of each class, in (0, 1]; 1 takes every image.
        seed: Seed of the draw. The same seed returns the same subset on every
            device, independent of the global generators.

    Returns:
        Sorted indices into ``labels``, (M,) int64, on the device of ``labels``.

    Raises:
        ValueError: If ``fraction`` is outside (0, 1].
    """
    if not 0 < fraction <= 1:
        raise ValueError(f'fraction must lie in (0, 1], got {fraction}; 1 % of the labels is 0.01')
    labels = check_labels(labels, least=0)
    classes = labels.long().cpu()
    shuffled = torch.randperm(len(classes), generator=torch.Generator().manual_seed(seed))
    by_class = shuffled[classes[shuffled].argsort(stable=True)]
    counts = classes.bincount()
    quotas = (fraction * counts.double()).round().clamp(min=1).long()
    starts = counts.cumsum(0) - counts
    rank_in_class = torch.arange(len(classes)) - starts.repeat_interleave(counts)
    chosen = by_class[rank_in_class < quotas.repeat_interleave(counts)]
    return chosen.sort().values.to(labels.device)
