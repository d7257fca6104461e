"""Momentum encoders."""

from .foreach_ema import ForeachCosineEMA, ForeachEMA

__all__ = ['ForeachCosineEMA', 'ForeachEMA']
