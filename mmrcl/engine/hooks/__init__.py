"""Hooks."""

from .hierarchical_clustering_hook import HierarchicalClusteringHook
from .knn_hook import KNNHook
from .non_finite_loss_hook import NonFiniteLossHook
from .preemption_hook import PreemptionHook
from .safe_checkpoint_hook import SafeCheckpointHook
from .unreadable_image_hook import UnreadableImageHook

__all__ = [
    'HierarchicalClusteringHook',
    'KNNHook',
    'NonFiniteLossHook',
    'PreemptionHook',
    'SafeCheckpointHook',
    'UnreadableImageHook',
]
