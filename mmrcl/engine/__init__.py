"""Hooks, loops and what runs around a model."""

from . import criteria  # noqa: F401  registers the clustering parts
from .hooks import (
    ChannelsLastHook,
    CollapseHook,
    CompileHook,
    HierarchicalClusteringHook,
    KNNHook,
)
from .optim_wrapper import BFloat16OptimWrapper
from .representation_loop import RepresentationTestLoop
from .seeding import EpochSeedHook, seed_worker

__all__ = [
    'BFloat16OptimWrapper',
    'ChannelsLastHook',
    'CollapseHook',
    'CompileHook',
    'EpochSeedHook',
    'HierarchicalClusteringHook',
    'KNNHook',
    'RepresentationTestLoop',
    'seed_worker',
]
