"""Evaluation of frozen features: pure functions on tensors, on CPU and CUDA alike."""

from .clustering_metrics import ClusterTable, adjusted_mutual_info, cluster_table, purity
from .knn import accuracy, knn_predict
from .linear_probe import LinearProbe, fit_linear_probe
from .representation import (
    METRICS,
    Result,
    Score,
    evaluate_representation,
    format_results,
    write_results_csv,
)
from .spread import effective_rank, mean_deviation
from .tables import format_table

__all__ = [
    'METRICS',
    'ClusterTable',
    'LinearProbe',
    'Result',
    'Score',
    'accuracy',
    'adjusted_mutual_info',
    'cluster_table',
    'effective_rank',
    'evaluate_representation',
    'fit_linear_probe',
    'format_results',
    'format_table',
    'knn_predict',
    'mean_deviation',
    'purity',
    'write_results_csv',
]
