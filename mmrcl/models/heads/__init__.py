"""Heads: predictors and losses of the algorithms."""

from .proto_nce_head import ProtoNCEHead
from .rcl_head import RCLHead

__all__ = ['ProtoNCEHead', 'RCLHead']
