"""A class-balanced share of a data set, for use in a config."""

import torch
from mmpretrain.datasets import BaseDataset

from mmrcl.registry import DATASETS, own_scope

from .subsets import stratified_subset

__all__ = ['balanced_share']


@DATASETS.register_module(name='BalancedShare')
def balanced_share(dataset: dict, fraction: float, seed: int = 0) -> BaseDataset:
    """Build a data set and keep the same share of every class.

    It returns the data set itself, not a wrapper, reduced by mmengine's
    ``get_subset_``, so that ``sample_idx`` is the position in the share. In a
    config: ``dict(type='BalancedShare', dataset=dict(...), fraction=0.01)``.

    Args:
        dataset: Config of a data set based on mmpretrain's ``BaseDataset``.
        fraction: Share of each class, in (0, 1]; at least one image of each.
        seed: Seed of the draw, see :func:`mmrcl.datasets.stratified_subset`.

    Raises:
        ValueError: If ``fraction`` is outside (0, 1].
    """
    with own_scope():
        built = DATASETS.build(dataset)
    chosen = stratified_subset(torch.from_numpy(built.get_gt_labels()), fraction, seed)
    built.get_subset_(chosen.tolist())
    return built
