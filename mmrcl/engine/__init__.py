"""Hooks, loops, optimiser wrapper and checkpoint logic of a training."""

from . import clustering_registration  # noqa: F401  registers the clustering parts
from .config_differences import Settings, affects_result, differences, recorded_config, settings_of
from .hooks import (
    CentroidUpdateHook,
    ChannelsLastHook,
    ClassifierResetHook,
    CollapseHook,
    CompileHook,
    HierarchicalClusteringHook,
    HierarchyMonitorHook,
    KNNHook,
    LoggerHook,
    NonFiniteLossHook,
    PairMonitorHook,
    PeakMemoryHook,
    PreemptionHook,
    SafeCheckpointHook,
    UnreadableImageHook,
)
from .lars import LARS
from .loops import RepresentationTestLoop, ResumableTrainLoop
from .optim_wrapper import BFloat16OptimWrapper
from .pretraining_runner import PretrainingRunner
from .setting_errors import setting_errors, unknown_type

__all__ = [
    'BFloat16OptimWrapper',
    'CentroidUpdateHook',
    'ChannelsLastHook',
    'ClassifierResetHook',
    'CollapseHook',
    'CompileHook',
    'HierarchicalClusteringHook',
    'HierarchyMonitorHook',
    'KNNHook',
    'LARS',
    'LoggerHook',
    'NonFiniteLossHook',
    'PairMonitorHook',
    'PeakMemoryHook',
    'PreemptionHook',
    'PretrainingRunner',
    'RepresentationTestLoop',
    'ResumableTrainLoop',
    'SafeCheckpointHook',
    'Settings',
    'UnreadableImageHook',
    'affects_result',
    'differences',
    'recorded_config',
    'setting_errors',
    'settings_of',
    'unknown_type',
]
