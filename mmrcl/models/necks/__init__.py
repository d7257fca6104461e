"""Necks: predictors and context networks."""

from .context_network import ContextNetwork
from .multi_predictor_neck import MultiPredictorNeck

__all__ = ['ContextNetwork', 'MultiPredictorNeck']
