"""Hooks, loops and what runs around a model."""

from . import criteria  # noqa: F401  registers the clustering parts
from .hooks import (
    HierarchicalClusteringHook,
    KNNHook,
    NonFiniteLossHook,
    PreemptionHook,
    SafeCheckpointHook,
    UnreadableImageHook,
)
from .representation_loop import RepresentationTestLoop
from .resumable_loop import ResumableTrainLoop

__all__ = [
    'HierarchicalClusteringHook',
    'KNNHook',
    'NonFiniteLossHook',
    'PreemptionHook',
    'RepresentationTestLoop',
    'ResumableTrainLoop',
    'SafeCheckpointHook',
    'UnreadableImageHook',
]
