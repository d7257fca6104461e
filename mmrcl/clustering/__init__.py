"""Hierarchical clustering as a library: tensors in, labels out (torch; pt_kmeans for K-means)."""

from .dbscan import NestedPartition, PercolationWarning, nested_dbscan
from .density_peaks import density_peaks
from .euclidean_graph import EuclideanGraph
from .hierarchy import LabelHierarchy, canonical_labels
from .jaccard_graph import JaccardGraph
from .kmeans import kmeans
from .label_propagation import isolated_pair_score, propagation_kernel, propagation_score
from .neighbors import nearest_neighbors
from .quality import PartitionSummary, churn, nesting_conformity, summarize_partition
from .radii import choose_radii
from .refinement import HierarchyRefiner, LevelChange
from .sharing import Progress, Ranks, silent
from .sources import (
    ClassSource,
    ClusteringSource,
    DBSCANSource,
    HierarchicalKMeansSource,
    KMeansSource,
)

__all__ = [
    'ClassSource',
    'ClusteringSource',
    'DBSCANSource',
    'EuclideanGraph',
    'HierarchicalKMeansSource',
    'HierarchyRefiner',
    'JaccardGraph',
    'KMeansSource',
    'LabelHierarchy',
    'LevelChange',
    'NestedPartition',
    'PartitionSummary',
    'PercolationWarning',
    'Progress',
    'Ranks',
    'canonical_labels',
    'choose_radii',
    'churn',
    'density_peaks',
    'isolated_pair_score',
    'kmeans',
    'nearest_neighbors',
    'nested_dbscan',
    'nesting_conformity',
    'propagation_kernel',
    'propagation_score',
    'silent',
    'summarize_partition',
]
