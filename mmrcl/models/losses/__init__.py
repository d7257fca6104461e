"""Losses of the algorithms."""

from .annealed_cross_entropy_loss import AnnealedCrossEntropyLoss
from .bounded_swav_loss import BoundedSwAVLoss
from .local_aggregation_loss import LocalAggregationLoss
from .mean_shift_loss import MeanShiftLoss
from .nearest_neighbor_loss import NearestNeighborLoss
from .noise_contrastive_loss import NoiseContrastiveLoss
from .pair_dynamics import PairDynamics
from .patch_prediction_loss import PatchPredictionLoss
from .prototypical_loss import PrototypicalLoss
from .pseudo_label_loss import PseudoLabelLoss
from .relative_contrastive_loss import LossOutput, RelativeContrastiveLoss
from .streaming_logsumexp import streaming_logsumexp

__all__ = [
    'AnnealedCrossEntropyLoss',
    'BoundedSwAVLoss',
    'LocalAggregationLoss',
    'LossOutput',
    'MeanShiftLoss',
    'NearestNeighborLoss',
    'NoiseContrastiveLoss',
    'PairDynamics',
    'PatchPredictionLoss',
    'PrototypicalLoss',
    'PseudoLabelLoss',
    'RelativeContrastiveLoss',
    'streaming_logsumexp',
]
