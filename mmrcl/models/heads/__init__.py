"""Heads: predictors and losses of the algorithms."""

from .noise_contrastive_head import NoiseContrastiveHead
from .proto_nce_head import ProtoNCEHead
from .rcl_head import RCLHead

__all__ = ['NoiseContrastiveHead', 'ProtoNCEHead', 'RCLHead']
