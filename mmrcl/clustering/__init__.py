"""Hierarchical clustering as a library: tensors in, labels out (torch; pt_kmeans for K-means)."""

from .dbscan import NestedPartition, PercolationWarning, nested_dbscan, warn_of_percolation
from .first_neighbors import first_neighbor_levels
from .graphs import EuclideanGraph, JaccardGraph
from .hierarchy import LabelHierarchy, canonical_labels
from .kmeans import kmeans
from .levels import LevelWarning, warn_of_equal_levels, warn_of_missed_sizes
from .neighbors import nearest_neighbors
from .quality import (
    Contingency,
    Majority,
    PartitionSummary,
    churn,
    contingency,
    majority,
    nesting_conformity,
    summarize_partition,
)
from .radii import choose_radii
from .refinement import (
    HierarchyRefiner,
    LevelChange,
    density_peaks,
    isolated_pair_score,
    propagation_kernel,
    propagation_score,
)
from .segments import Groups, group_rows, segment_mean, segment_sum
from .sharing import Progress, Ranks, silent
from .sources import (
    ClassSource,
    ClusteringSource,
    DBSCANSource,
    FirstNeighborSource,
    HierarchicalKMeansSource,
    KMeansSource,
)

__all__ = [
    'ClassSource',
    'Contingency',
    'ClusteringSource',
    'DBSCANSource',
    'EuclideanGraph',
    'FirstNeighborSource',
    'Groups',
    'HierarchicalKMeansSource',
    'HierarchyRefiner',
    'JaccardGraph',
    'KMeansSource',
    'LabelHierarchy',
    'LevelChange',
    'LevelWarning',
    'Majority',
    'NestedPartition',
    'PartitionSummary',
    'PercolationWarning',
    'Progress',
    'Ranks',
    'canonical_labels',
    'choose_radii',
    'churn',
    'contingency',
    'density_peaks',
    'first_neighbor_levels',
    'group_rows',
    'isolated_pair_score',
    'kmeans',
    'majority',
    'nearest_neighbors',
    'nested_dbscan',
    'nesting_conformity',
    'propagation_kernel',
    'propagation_score',
    'segment_mean',
    'segment_sum',
    'silent',
    'summarize_partition',
    'warn_of_equal_levels',
    'warn_of_missed_sizes',
    'warn_of_percolation',
]
