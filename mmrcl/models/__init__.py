"""Models and their modules, registered in :data:`mmrcl.registry.MODELS`."""

from mmrcl.clustering import LabelHierarchy
from mmrcl.registry import MODELS

from .backbones import (
    LIBRARIES,
    BackboneChoice,
    LibraryBackbone,
    MoCoV3ViT,
    backbone_config,
    library_network,
)
from .heads import LocalAggregationHead, ProtoNCEHead, PseudoLabelHead, RCLHead
from .losses import (
    LocalAggregationLoss,
    LossOutput,
    MeanShiftLoss,
    NearestNeighborLoss,
    PairDynamics,
    PrototypicalLoss,
    PseudoLabelLoss,
    RelativeContrastiveLoss,
    streaming_logsumexp,
)
from .memories import OnlineClusters, PrototypeHierarchy, PseudoLabels, SupportQueue
from .momentum import ForeachCosineEMA, ForeachEMA
from .necks import MultiPredictorNeck
from .norms import SyncBatchNorm
from .retrievers import (
    ClusterRetriever,
    GalleryRetriever,
    Keys,
    LevelRetriever,
    NearestRetriever,
    RetrievalInput,
    SameImageRetriever,
)
from .selfsup import (
    MSF,
    NNCLR,
    ODC,
    PCL,
    RCL,
    ClusterClassifier,
    KeyBatch,
    LocalAgg,
    MomentumQueueSelfSupervisor,
    QueueSelfSupervisor,
    named_neck,
)
from .strict_pretrained import StrictPretrained
from .views import (
    BatchAffineCrop,
    BatchBrightness,
    BatchColorJitter,
    BatchFlip,
    BatchGaussianBlur,
    BatchGrayscale,
    BatchSolarize,
    BatchTransform,
    ViewsDataPreprocessor,
)

MODELS.register_module(module=LabelHierarchy)

__all__ = [
    'BackboneChoice',
    'BatchAffineCrop',
    'BatchBrightness',
    'BatchColorJitter',
    'BatchFlip',
    'BatchGaussianBlur',
    'BatchGrayscale',
    'BatchSolarize',
    'BatchTransform',
    'ClusterClassifier',
    'ClusterRetriever',
    'ForeachCosineEMA',
    'ForeachEMA',
    'GalleryRetriever',
    'KeyBatch',
    'Keys',
    'LIBRARIES',
    'LabelHierarchy',
    'LevelRetriever',
    'LibraryBackbone',
    'LocalAgg',
    'LocalAggregationHead',
    'LocalAggregationLoss',
    'LossOutput',
    'MSF',
    'MoCoV3ViT',
    'MomentumQueueSelfSupervisor',
    'MeanShiftLoss',
    'MultiPredictorNeck',
    'NNCLR',
    'NearestNeighborLoss',
    'NearestRetriever',
    'ODC',
    'OnlineClusters',
    'SameImageRetriever',
    'PCL',
    'PairDynamics',
    'ProtoNCEHead',
    'PrototypeHierarchy',
    'PrototypicalLoss',
    'PseudoLabelHead',
    'PseudoLabelLoss',
    'PseudoLabels',
    'QueueSelfSupervisor',
    'RCL',
    'RCLHead',
    'RelativeContrastiveLoss',
    'RetrievalInput',
    'StrictPretrained',
    'SupportQueue',
    'SyncBatchNorm',
    'ViewsDataPreprocessor',
    'backbone_config',
    'library_network',
    'named_neck',
    'streaming_logsumexp',
]
