"""Necks: predictors."""

from .multi_predictor_neck import MultiPredictorNeck

__all__ = ['MultiPredictorNeck']
