"""A class-balanced share of a data set, for use in a config."""

import torch
from mmpretrain.datasets import BaseDataset

from mmrcl.registry import DATASETS, own_scope

from .subsets import stratified_subset

__all__ = ['balanced_share']


@DATASETS.register_module(name='BalancedShare')
def balanced_share(
    dataset: dict, fraction: float, seed: int = 0, rest: bool = False
) -> BaseDataset:
    """Build a data set and keep the same share of every class, or all images but these.

    It returns the data set itself, not a wrapper, reduced by mmengine's
    ``get_subset_``, so that ``sample_idx`` is the position in the share. In a
    config: ``dict(type='BalancedShare', dataset=dict(...), fraction=0.01)``.

    Args:
        dataset: Config of a data set based on mmpretrain's ``BaseDataset``.
        fraction: Share of each class, in (0, 1]; at least one image of each.
        seed: Seed of the draw, see :func:`mmrcl.datasets.stratified_subset`.
        rest: Keep the other images instead.

    Raises:
        ValueError: If ``fraction`` is outside (0, 1], or the rest is empty.
    """
    with own_scope():
        built = DATASETS.build(dataset)
    labels = torch.from_numpy(built.get_gt_labels())
    kept = torch.zeros(len(labels), dtype=torch.bool)
    kept[stratified_subset(labels, fraction, seed)] = True
    chosen = (~kept if rest else kept).nonzero()[:, 0]
    if len(chosen) == 0:
        raise ValueError(f'BalancedShare: fraction={fraction} leaves no image: lower it')
    built.get_subset_(chosen.tolist())
    return built
