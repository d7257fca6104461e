"""Hooks, loops and what runs around a model."""

from . import criteria  # noqa: F401  registers the clustering parts
from .hooks import HierarchicalClusteringHook, KNNHook
from .representation_loop import RepresentationTestLoop
from .seeding import EpochSeedHook, seed_worker

__all__ = [
    'EpochSeedHook',
    'HierarchicalClusteringHook',
    'KNNHook',
    'RepresentationTestLoop',
    'seed_worker',
]
