"""Model parts of mmrcl, registered in :data:`mmrcl.registry.MODELS`."""

from mmrcl.clustering import LabelHierarchy
from mmrcl.registry import MODELS

from .heads import ProtoNCEHead, RCLHead
from .losses import (
    MeanShiftLoss,
    NearestNeighborLoss,
    PrototypicalLoss,
    RelativeContrastiveLoss,
)
from .memories import PrototypeHierarchy, SupportQueue
from .momentum import ForeachCosineEMA
from .necks import MultiPredictorNeck
from .retrievers import ClusterRetriever, LevelRetriever, NearestRetriever, OwnViewRetriever
from .selfsup import MSF, NNCLR, PCL, RCL
from .strict_pretrained import StrictPretrained

MODELS.register_module(module=LabelHierarchy)

__all__ = [
    'MSF',
    'NNCLR',
    'PCL',
    'RCL',
    'ClusterRetriever',
    'ForeachCosineEMA',
    'LabelHierarchy',
    'LevelRetriever',
    'MeanShiftLoss',
    'MultiPredictorNeck',
    'NearestNeighborLoss',
    'NearestRetriever',
    'OwnViewRetriever',
    'ProtoNCEHead',
    'PrototypeHierarchy',
    'PrototypicalLoss',
    'RCLHead',
    'RelativeContrastiveLoss',
    'StrictPretrained',
    'SupportQueue',
]
