"""Heads: predictors and losses of the algorithms."""

from .cpc_head import CPCHead
from .local_aggregation_head import LocalAggregationHead
from .noise_contrastive_head import NoiseContrastiveHead
from .proto_nce_head import ProtoNCEHead
from .pseudo_label_head import PseudoLabelHead
from .rcl_head import RCLHead

__all__ = [
    'CPCHead',
    'LocalAggregationHead',
    'NoiseContrastiveHead',
    'ProtoNCEHead',
    'PseudoLabelHead',
    'RCLHead',
]
