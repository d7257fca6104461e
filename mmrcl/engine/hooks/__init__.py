"""Hooks."""

from .channels_last_hook import ChannelsLastHook
from .collapse_hook import CollapseError, CollapseHook
from .compile_hook import CompileHook
from .hierarchical_clustering_hook import HierarchicalClusteringHook
from .knn_hook import KNNHook

__all__ = [
    'ChannelsLastHook',
    'CollapseError',
    'CollapseHook',
    'CompileHook',
    'HierarchicalClusteringHook',
    'KNNHook',
]
