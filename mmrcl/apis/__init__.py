"""A few functions for notebooks and scripts, also importable as ``from mmrcl import ...``."""

from .checkpoint_config import config_of
from .curation import (
    Duplicates,
    Outliers,
    Subset,
    balanced_subset,
    find_duplicates,
    find_outliers,
)
from .encoders import Encoder, load_encoder, wrap_encoder
from .features import Features, extract_features, image_files
from .hierarchies import build_hierarchy, write_hierarchy_page
from .image_lists import check_unused
from .probes import knn_accuracy, linear_accuracy
from .zoo import get_config, get_model, list_models

__all__ = [
    'Duplicates',
    'Encoder',
    'Features',
    'Outliers',
    'Subset',
    'balanced_subset',
    'build_hierarchy',
    'check_unused',
    'config_of',
    'extract_features',
    'find_duplicates',
    'find_outliers',
    'get_config',
    'get_model',
    'image_files',
    'knn_accuracy',
    'linear_accuracy',
    'list_models',
    'load_encoder',
    'wrap_encoder',
    'write_hierarchy_page',
]
