"""Hierarchical clustering as a library: tensors in, labels out (torch; pt_kmeans for K-means)."""

from .balance import balanced_order
from .dbscan import NestedPartition, PercolationWarning, nested_dbscan, warn_of_percolation
from .duplicates import near_duplicates
from .first_neighbors import first_neighbor_levels
from .graphs import EuclideanGraph, JaccardGraph
from .hierarchy import LabelHierarchy, canonical_labels
from .kmeans import kmeans
from .levels import LevelWarning, warn_of_equal_levels, warn_of_missed_sizes
from .neighbors import nearest_neighbors
from .outliers import company_level, neighbor_similarity
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
from .segments import Groups, group_rows, mean_by_index, segment_mean, segment_sum
from .sharing import Progress, Ranks, silent
from .sources import (
    ClassSource,
    ClusteringSource,
    DBSCANSource,
    FirstNeighborSource,
    HierarchicalKMeansSource,
    KMeansSource,
    SinkhornSource,
)
from .typical import cosine_to_mean, paired_cosines, representatives

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
    'SinkhornSource',
    'balanced_order',
    'canonical_labels',
    'choose_radii',
    'churn',
    'company_level',
    'contingency',
    'cosine_to_mean',
    'density_peaks',
    'first_neighbor_levels',
    'group_rows',
    'isolated_pair_score',
    'kmeans',
    'majority',
    'mean_by_index',
    'near_duplicates',
    'nearest_neighbors',
    'neighbor_similarity',
    'nested_dbscan',
    'nesting_conformity',
    'paired_cosines',
    'propagation_kernel',
    'propagation_score',
    'representatives',
    'segment_mean',
    'segment_sum',
    'silent',
    'summarize_partition',
    'warn_of_equal_levels',
    'warn_of_missed_sizes',
    'warn_of_percolation',
]
