"""Heads: predictors and losses of the algorithms."""

from .cpc_head import CPCHead
from .proto_nce_head import ProtoNCEHead
from .rcl_head import RCLHead

__all__ = ['CPCHead', 'ProtoNCEHead', 'RCLHead']
