"""Figures of training, features and clusters; each function writes a file and returns its path."""

from .curves import plot_curves, read_scalars
from .embedding import plot_tsne
from .gallery import plot_cluster_gallery

__all__ = ['plot_cluster_gallery', 'plot_curves', 'plot_tsne', 'read_scalars']
