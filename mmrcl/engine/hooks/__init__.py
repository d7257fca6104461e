"""Hooks."""

from .hierarchical_clustering_hook import HierarchicalClusteringHook
from .knn_hook import KNNHook

__all__ = ['HierarchicalClusteringHook', 'KNNHook']
