"""Online refinement of a hierarchy: splitting and merging clusters."""

from .density_peaks import density_peaks
from .label_propagation import isolated_pair_score, propagation_kernel, propagation_score
from .merging import merge_clusters
from .refiner import HierarchyRefiner, LevelChange
from .splitting import split_clusters
from .units import Units, image_units

__all__ = [
    'HierarchyRefiner',
    'LevelChange',
    'Units',
    'density_peaks',
    'image_units',
    'isolated_pair_score',
    'merge_clusters',
    'propagation_kernel',
    'propagation_score',
    'split_clusters',
]
