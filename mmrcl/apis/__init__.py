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
from .export import DEFAULT_FORMATS, EXPORT_FORMATS, export_encoder
from .features import Features, extract_features
from .folder_training import pretrain
from .folders import (
    check_evaluation,
    cluster_features,
    embed_folder,
    save_clusters,
    split_features,
    write_folder_page,
)
from .hierarchies import build_hierarchy, write_hierarchy_page
from .outputs import check_files, check_new_files, check_outside, check_unused
from .pretraining import image_files
from .probes import knn_accuracy, linear_accuracy
from .zoo import get_config, get_model, list_models

__all__ = [
    'DEFAULT_FORMATS',
    'EXPORT_FORMATS',
    'Duplicates',
    'Encoder',
    'Features',
    'Outliers',
    'Subset',
    'balanced_subset',
    'build_hierarchy',
    'check_evaluation',
    'check_files',
    'check_new_files',
    'check_outside',
    'check_unused',
    'cluster_features',
    'config_of',
    'export_encoder',
    'embed_folder',
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
    'pretrain',
    'save_clusters',
    'split_features',
    'wrap_encoder',
    'write_folder_page',
    'write_hierarchy_page',
]
