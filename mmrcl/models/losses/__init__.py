"""Losses of the algorithms."""

from .mean_shift_loss import MeanShiftLoss
from .nearest_neighbor_loss import NearestNeighborLoss
from .pair_dynamics import PairDynamics
from .patch_prediction_loss import PatchPredictionLoss
from .prototypical_loss import PrototypicalLoss
from .relative_contrastive_loss import LossOutput, RelativeContrastiveLoss
from .streaming_logsumexp import streaming_logsumexp

__all__ = [
    'LossOutput',
    'MeanShiftLoss',
    'NearestNeighborLoss',
    'PairDynamics',
    'PatchPredictionLoss',
    'PrototypicalLoss',
    'RelativeContrastiveLoss',
    'streaming_logsumexp',
]
