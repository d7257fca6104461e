"""Features and classes of all images of a data set, in its order."""

from .class_labels import class_hierarchy_of, classes_of, with_coarser
from .clustering_input import (
    OWN_SPACES,
    SPACES,
    ClusteringInput,
    extract_clustering_input,
    normalize_rows_,
)
from .extraction import Extracted, eval_mode, extract, extract_representation, pooled, unwrapped
from .file_features import FileFeatures, map_array
from .image_features import EncoderFeatures, HOGFeatures
from .loaders import naming_sizes, resumable
from .pretrained_backbone import build_backbone, build_preprocessor, load_backbone
from .recorded_config import recorded_config
from .sources import FeatureSource

__all__ = [
    'ClusteringInput',
    'EncoderFeatures',
    'Extracted',
    'FeatureSource',
    'FileFeatures',
    'HOGFeatures',
    'OWN_SPACES',
    'SPACES',
    'build_backbone',
    'build_preprocessor',
    'class_hierarchy_of',
    'classes_of',
    'eval_mode',
    'extract',
    'extract_clustering_input',
    'extract_representation',
    'load_backbone',
    'map_array',
    'naming_sizes',
    'normalize_rows_',
    'pooled',
    'recorded_config',
    'resumable',
    'unwrapped',
    'with_coarser',
]
