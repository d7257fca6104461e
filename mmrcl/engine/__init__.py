"""Hooks, loops, optimiser wrapper and checkpoint logic of a training."""

from . import clustering_registration  # noqa: F401  registers the clustering parts
from .fault_tolerant_runner import FaultTolerantRunner
from .hooks import (
    ChannelsLastHook,
    CollapseHook,
    CompileHook,
    HierarchicalClusteringHook,
    HierarchyMonitorHook,
    KNNHook,
    LoggerHook,
    NonFiniteLossHook,
    PairMonitorHook,
    PreemptionHook,
    SafeCheckpointHook,
    UnreadableImageHook,
)
from .loops import RepresentationTestLoop, ResumableTrainLoop
from .optim_wrapper import BFloat16OptimWrapper

__all__ = [
    'BFloat16OptimWrapper',
    'ChannelsLastHook',
    'CollapseHook',
    'CompileHook',
    'FaultTolerantRunner',
    'HierarchicalClusteringHook',
    'HierarchyMonitorHook',
    'KNNHook',
    'LoggerHook',
    'NonFiniteLossHook',
    'PairMonitorHook',
    'PreemptionHook',
    'RepresentationTestLoop',
    'ResumableTrainLoop',
    'SafeCheckpointHook',
    'UnreadableImageHook',
]
