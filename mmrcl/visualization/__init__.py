"""Figures of training, features, clusters and detections, and the page of a hierarchy.

Each function writes a file and returns its path.
"""

from .curves import plot_curves, read_scalars
from .detections import Instances, plot_detections
from .embedding import plot_tsne
from .gallery import plot_cluster_gallery
from .report import Retrieved, write_report

__all__ = [
    'Instances',
    'Retrieved',
    'plot_cluster_gallery',
    'plot_curves',
    'plot_detections',
    'plot_tsne',
    'read_scalars',
    'write_report',
]
