"""Evaluation of frozen features: pure functions on tensors, on CPU and CUDA alike."""

from .clustering_metrics import (
    ClusterTable,
    adjusted_mutual_info,
    cluster_table,
    mate_precision,
    purity,
)
from .knn import accuracy, knn_predict
from .linear_probe import LinearProbe, fit_linear_probe
from .linear_sweep import Schedule, Setting, Sweep, fit_linear_probes, sweep_linear_probes
from .pair_tally import PairTally
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
    'PairTally',
    'Result',
    'Schedule',
    'Score',
    'Setting',
    'Sweep',
    'accuracy',
    'adjusted_mutual_info',
    'cluster_table',
    'effective_rank',
    'evaluate_representation',
    'fit_linear_probe',
    'fit_linear_probes',
    'format_results',
    'format_table',
    'knn_predict',
    'mate_precision',
    'mean_deviation',
    'purity',
    'sweep_linear_probes',
    'write_results_csv',
]
