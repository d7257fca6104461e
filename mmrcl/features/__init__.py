"""Features and classes of all images of a data set, in its order."""

from .class_labels import classes_of
from .clustering_input import SPACES, ClusteringInput, extract_clustering_input
from .extraction import Extracted, eval_mode, extract, extract_representation, pooled, unwrapped
from .loaders import naming_sizes, resumable

__all__ = [
    'ClusteringInput',
    'Extracted',
    'SPACES',
    'classes_of',
    'eval_mode',
    'extract',
    'extract_clustering_input',
    'extract_representation',
    'naming_sizes',
    'pooled',
    'resumable',
    'unwrapped',
]
