"""Necks: predictors, a joint of patches and context networks."""

from .context_network import ContextNetwork
from .jigsaw_neck import JigsawNeck
from .multi_predictor_neck import MultiPredictorNeck

__all__ = ['ContextNetwork', 'JigsawNeck', 'MultiPredictorNeck']
