"""Interchangeable clustering sources of the labels of levels 2..H.

A source is called with the features of all images, shape (N, d), L2-normalised, their classes if
known, and a progress callback. It returns labels of shape (H - 1, N), from fine to coarse. Its
attribute ``nested`` is True if these are always nested. In a distributed run all ranks call it.
"""

from .base import ClusteringSource
from .classes import ClassSource
from .dbscan import DBSCANSource
from .first_neighbors import FirstNeighborSource
from .kmeans import HierarchicalKMeansSource, KMeansSource
from .sinkhorn import SinkhornSource

__all__ = [
    'ClassSource',
    'ClusteringSource',
    'DBSCANSource',
    'FirstNeighborSource',
    'HierarchicalKMeansSource',
    'KMeansSource',
    'SinkhornSource',
]
