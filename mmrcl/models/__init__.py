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
from .heads import ProtoNCEHead, RCLHead
from .losses import (
    AnnealedCrossEntropyLoss,
    LossOutput,
    MeanShiftLoss,
    NearestNeighborLoss,
    PairDynamics,
    PrototypicalLoss,
    RelativeContrastiveLoss,
    streaming_logsumexp,
)
from .memories import PrototypeHierarchy, SupportQueue
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
    PCL,
    RCL,
    KeyBatch,
    MomentumQueueSelfSupervisor,
    QueueSelfSupervisor,
    named_neck,
)
from .semisup import (
    ArgmaxTarget,
    MetaPseudoLabels,
    SemiSupervisedClassifier,
    SharpenedTarget,
    Targets,
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
    'AnnealedCrossEntropyLoss',
    'ArgmaxTarget',
    'BackboneChoice',
    'BatchAffineCrop',
    'BatchBrightness',
    'BatchColorJitter',
    'BatchFlip',
    'BatchGaussianBlur',
    'BatchGrayscale',
    'BatchSolarize',
    'BatchTransform',
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
    'LossOutput',
    'MSF',
    'MoCoV3ViT',
    'MomentumQueueSelfSupervisor',
    'MeanShiftLoss',
    'MetaPseudoLabels',
    'MultiPredictorNeck',
    'NNCLR',
    'NearestNeighborLoss',
    'NearestRetriever',
    'SameImageRetriever',
    'SemiSupervisedClassifier',
    'SharpenedTarget',
    'PCL',
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
    'Targets',
    'ViewsDataPreprocessor',
    'backbone_config',
    'library_network',
    'named_neck',
    'streaming_logsumexp',
]
