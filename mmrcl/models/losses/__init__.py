"""Losses of the algorithms."""

from .annealed_cross_entropy_loss import AnnealedCrossEntropyLoss
from .mean_shift_loss import MeanShiftLoss
from .nearest_neighbor_loss import NearestNeighborLoss
from .pair_dynamics import PairDynamics
from .prototypical_loss import PrototypicalLoss
from .relative_contrastive_loss import LossOutput, RelativeContrastiveLoss
from .streaming_logsumexp import streaming_logsumexp

__all__ = [
    'AnnealedCrossEntropyLoss',
    'LossOutput',
    'MeanShiftLoss',
    'NearestNeighborLoss',
    'PairDynamics',
    'PrototypicalLoss',
    'RelativeContrastiveLoss',
    'streaming_logsumexp',
]
