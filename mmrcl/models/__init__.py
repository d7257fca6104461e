"""Model parts of mmrcl, registered in :data:`mmrcl.registry.MODELS`."""

from mmrcl.clustering import LabelHierarchy
from mmrcl.registry import MODELS

from .heads import RCLHead
from .losses import RelativeContrastiveLoss
from .memories import SupportQueue
from .momentum import ForeachCosineEMA
from .necks import MultiPredictorNeck
from .retrievers import ClusterRetriever, LevelRetriever, NearestRetriever, OwnViewRetriever
from .selfsup import RCL

MODELS.register_module(module=LabelHierarchy)

__all__ = [
    'RCL',
    'ClusterRetriever',
    'ForeachCosineEMA',
    'LabelHierarchy',
    'LevelRetriever',
    'MultiPredictorNeck',
    'NearestRetriever',
    'OwnViewRetriever',
    'RCLHead',
    'RelativeContrastiveLoss',
    'SupportQueue',
]
