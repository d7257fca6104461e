"""Evaluation of frozen features: pure functions on tensors, on CPU and CUDA alike."""

from .clustering_metrics import (
    Agreement,
    ClusterTable,
    adjusted_mutual_info,
    agreement,
    cluster_table,
    purity,
    same_cluster_precision,
)
from .knn import accuracy, knn_predict
from .linear_probe import LinearProbe, fit_linear_probe
from .linear_sweep import Schedule, Setting, Sweep, fit_linear_probes, sweep_linear_probes
from .pair_tally import PairTally
from .paired import MeanError, headroom_share, image_test, mean_error
from .predictions import Correct, read_correct, write_predictions
from .representation import (
    METRICS,
    Prediction,
    Result,
    Score,
    evaluate_representation,
    format_results,
    predict_by_representation,
    score_predictions,
    write_results_csv,
)
from .spread import effective_rank, mean_deviation
from .tables import format_table

__all__ = [
    'Agreement',
    'ClusterTable',
    'Correct',
    'LinearProbe',
    'METRICS',
    'MeanError',
    'PairTally',
    'Prediction',
    'Result',
    'Schedule',
    'Score',
    'Setting',
    'Sweep',
    'accuracy',
    'adjusted_mutual_info',
    'agreement',
    'cluster_table',
    'effective_rank',
    'evaluate_representation',
    'fit_linear_probe',
    'fit_linear_probes',
    'format_results',
    'format_table',
    'headroom_share',
    'image_test',
    'knn_predict',
    'same_cluster_precision',
    'mean_deviation',
    'mean_error',
    'predict_by_representation',
    'purity',
    'read_correct',
    'score_predictions',
    'sweep_linear_probes',
    'write_predictions',
    'write_results_csv',
]
