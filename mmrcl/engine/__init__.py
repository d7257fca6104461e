"""Hooks, loops and what runs around a model."""

from . import criteria  # noqa: F401  registers the clustering parts
from .hooks import (
    ChannelsLastHook,
    CollapseHook,
    CompileHook,
    HierarchicalClusteringHook,
    HierarchyMonitorHook,
    KNNHook,
    NonFiniteLossHook,
    PairMonitorHook,
    PreemptionHook,
    SafeCheckpointHook,
    UnreadableImageHook,
)
from .optim_wrapper import BFloat16OptimWrapper
from .representation_loop import RepresentationTestLoop
from .resumable_loop import ResumableTrainLoop

__all__ = [
    'BFloat16OptimWrapper',
    'ChannelsLastHook',
    'CollapseHook',
    'CompileHook',
    'HierarchicalClusteringHook',
    'HierarchyMonitorHook',
    'KNNHook',
    'NonFiniteLossHook',
    'PairMonitorHook',
    'PreemptionHook',
    'RepresentationTestLoop',
    'ResumableTrainLoop',
    'SafeCheckpointHook',
    'UnreadableImageHook',
]
