"""Hierarchical clustering as a library: tensors in, labels out (torch and numpy only)."""

from .dbscan import NestedPartition, PercolationWarning, choose_radii, nested_dbscan
from .density_peaks import density_peaks
from .hierarchy import LabelHierarchy, canonical_labels
from .kmeans import kmeans
from .label_propagation import isolated_pair_score, propagation_kernel, propagation_score
from .neighbors import EuclideanGraph, JaccardGraph, nearest_neighbors
from .quality import PartitionSummary, nesting_conformity, summarize_partition
from .refinement import HierarchyRefiner, LevelChange
from .sources import ClassSource, ClusteringSource, DBSCANSource, KMeansSource

__all__ = [
    'ClassSource',
    'ClusteringSource',
    'DBSCANSource',
    'EuclideanGraph',
    'HierarchyRefiner',
    'JaccardGraph',
    'KMeansSource',
    'LabelHierarchy',
    'LevelChange',
    'NestedPartition',
    'PartitionSummary',
    'PercolationWarning',
    'canonical_labels',
    'choose_radii',
    'density_peaks',
    'isolated_pair_score',
    'kmeans',
    'nearest_neighbors',
    'nested_dbscan',
    'nesting_conformity',
    'propagation_kernel',
    'propagation_score',
    'summarize_partition',
]
