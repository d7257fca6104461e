"""Losses."""

from .relative_contrastive_loss import RelativeContrastiveLoss
from .streaming_logsumexp import streaming_logsumexp

__all__ = ['RelativeContrastiveLoss', 'streaming_logsumexp']
