"""Losses."""

from .relative_contrastive_loss import RelativeContrastiveLoss

__all__ = ['RelativeContrastiveLoss']
