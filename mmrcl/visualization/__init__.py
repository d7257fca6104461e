"""Figures of training, features, clusters and detections, and the page of a hierarchy.

Each ``plot`` function writes a file and returns its path.
"""

from .curves import plot_curves, read_run, read_scalars
from .detections import Instances, plot_detections
from .embedding import plot_tsne
from .gallery import plot_cluster_gallery
from .hierarchy_curves import plot_hierarchy_curves
from .lasting_backends import LocalVisBackend, TensorboardVisBackend
from .pair_distributions import draw_pair_distributions
from .report import SIDE, Retrieved, choose_clusters, import_pyarrow, thumbnail, write_report
from .style import COLORS, MARKERS, as_image, light_axes, save
from .wandb_backend import WandbVisBackend

__all__ = [
    'COLORS',
    'Instances',
    'LocalVisBackend',
    'MARKERS',
    'Retrieved',
    'SIDE',
    'TensorboardVisBackend',
    'WandbVisBackend',
    'as_image',
    'choose_clusters',
    'draw_pair_distributions',
    'import_pyarrow',
    'light_axes',
    'plot_cluster_gallery',
    'plot_curves',
    'plot_detections',
    'plot_hierarchy_curves',
    'plot_tsne',
    'read_run',
    'read_scalars',
    'save',
    'thumbnail',
    'write_report',
]
