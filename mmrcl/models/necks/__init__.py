"""Necks: predictors."""

from .jigsaw_neck import JigsawNeck
from .multi_predictor_neck import MultiPredictorNeck

__all__ = ['JigsawNeck', 'MultiPredictorNeck']
