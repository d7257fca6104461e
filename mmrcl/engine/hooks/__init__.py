"""Hooks of pretraining: clustering, monitoring, checkpoints and speed."""

from .centroid_update_hook import CentroidUpdateHook
from .channels_last_hook import ChannelsLastHook
from .classifier_reset_hook import ClassifierResetHook
from .collapse_hook import CollapseHook
from .compile_hook import CompileHook
from .hierarchical_clustering_hook import HierarchicalClusteringHook
from .hierarchy_monitor_hook import HierarchyMonitorHook
from .knn_hook import KNNHook
from .logger_hook import LoggerHook
from .non_finite_loss_hook import NonFiniteLossHook
from .pair_monitor_hook import PairMonitorHook
from .peak_memory_hook import PeakMemoryHook
from .preemption_hook import PreemptionHook
from .safe_checkpoint_hook import SafeCheckpointHook
from .unreadable_image_hook import UnreadableImageHook

__all__ = [
    'CentroidUpdateHook',
    'ChannelsLastHook',
    'ClassifierResetHook',
    'CollapseHook',
    'CompileHook',
    'HierarchicalClusteringHook',
    'HierarchyMonitorHook',
    'KNNHook',
    'LoggerHook',
    'NonFiniteLossHook',
    'PairMonitorHook',
    'PeakMemoryHook',
    'PreemptionHook',
    'SafeCheckpointHook',
    'UnreadableImageHook',
]
