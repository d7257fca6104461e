"""Features and classes of all images of a data set, in its order."""

from .class_labels import classes_of
from .clustering_input import SPACES, ClusteringInput, extract_clustering_input
from .extraction import Extracted, eval_mode, extract, extract_representation, pooled, unwrapped
from .loaders import naming_sizes, resumable
from .pretrained_backbone import build_backbone, build_preprocessor, load_backbone
from .recorded_config import recorded_config

__all__ = [
    'ClusteringInput',
    'Extracted',
    'SPACES',
    'build_backbone',
    'build_preprocessor',
    'classes_of',
    'eval_mode',
    'extract',
    'extract_clustering_input',
    'extract_representation',
    'load_backbone',
    'naming_sizes',
    'pooled',
    'recorded_config',
    'resumable',
    'unwrapped',
]
