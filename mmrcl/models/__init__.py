"""Models and their modules, registered in :data:`mmrcl.registry.MODELS`."""

from mmrcl.clustering import LabelHierarchy
from mmrcl.registry import MODELS

from .backbones import (
    LIBRARIES,
    BackboneChoice,
    ColorHalves,
    FrequencyHalves,
    HalvesBackbone,
    LibraryBackbone,
    MoCoV3ViT,
    backbone_config,
    library_network,
)
from .heads import NoiseContrastiveHead, ProtoNCEHead, RCLHead
from .losses import (
    LossOutput,
    MeanShiftLoss,
    NearestNeighborLoss,
    NoiseContrastiveLoss,
    PairDynamics,
    PrototypicalLoss,
    RelativeContrastiveLoss,
    streaming_logsumexp,
)
from .memories import FeatureBank, PrototypeHierarchy, SupportQueue
from .momentum import ForeachCosineEMA, ForeachEMA
from .necks import JigsawNeck, MultiPredictorNeck
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
    CMC,
    MSF,
    NNCLR,
    PCL,
    PIRL,
    RCL,
    BankSelfSupervisor,
    InstDisc,
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
    BatchJigsaw,
    BatchSolarize,
    BatchTransform,
    ViewsDataPreprocessor,
)

MODELS.register_module(module=LabelHierarchy)

__all__ = [
    'BackboneChoice',
    'BankSelfSupervisor',
    'BatchAffineCrop',
    'BatchBrightness',
    'BatchColorJitter',
    'BatchFlip',
    'BatchGaussianBlur',
    'BatchGrayscale',
    'BatchJigsaw',
    'BatchSolarize',
    'BatchTransform',
    'CMC',
    'ClusterRetriever',
    'ColorHalves',
    'FeatureBank',
    'ForeachCosineEMA',
    'ForeachEMA',
    'FrequencyHalves',
    'GalleryRetriever',
    'HalvesBackbone',
    'InstDisc',
    'JigsawNeck',
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
    'NoiseContrastiveHead',
    'NoiseContrastiveLoss',
    'SameImageRetriever',
    'PCL',
    'PIRL',
    'PairDynamics',
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
