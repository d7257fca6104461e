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
from .heads import CPCHead, ProtoNCEHead, RCLHead
from .losses import (
    LossOutput,
    MeanShiftLoss,
    NearestNeighborLoss,
    PairDynamics,
    PatchPredictionLoss,
    PrototypicalLoss,
    RelativeContrastiveLoss,
    streaming_logsumexp,
)
from .memories import AdversarialNegatives, PrototypeHierarchy, SupportQueue
from .momentum import ForeachCosineEMA, ForeachEMA
from .necks import ContextNetwork, MultiPredictorNeck
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
    CPC,
    MSF,
    NNCLR,
    PCL,
    RCL,
    AdCo,
    KeyBatch,
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
    BatchPatch,
    BatchSolarize,
    BatchTransform,
    ViewsDataPreprocessor,
)

MODELS.register_module(module=LabelHierarchy)

__all__ = [
    'AdCo',
    'AdversarialNegatives',
    'BackboneChoice',
    'BatchAffineCrop',
    'BatchBrightness',
    'BatchColorJitter',
    'BatchFlip',
    'BatchGaussianBlur',
    'BatchGrayscale',
    'BatchPatch',
    'BatchSolarize',
    'BatchTransform',
    'CPC',
    'CPCHead',
    'ClusterRetriever',
    'ContextNetwork',
    'ForeachCosineEMA',
    'ForeachEMA',
    'GalleryRetriever',
    'KeyBatch',
    'Keys',
    'LIBRARIES',
    'LabelHierarchy',
    'LevelRetriever',
    'LibraryBackbone',
    'LossOutput',
    'MSF',
    'MoCoV3ViT',
    'MomentumQueueSelfSupervisor',
    'MeanShiftLoss',
    'MultiPredictorNeck',
    'NNCLR',
    'NearestNeighborLoss',
    'NearestRetriever',
    'SameImageRetriever',
    'PCL',
    'PairDynamics',
    'PatchPredictionLoss',
    'ProtoNCEHead',
    'PrototypeHierarchy',
    'PrototypicalLoss',
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
