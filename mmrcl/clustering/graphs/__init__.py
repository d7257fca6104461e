"""Neighbourhood graphs of the images."""

from .components import connect, joining_pairs
from .euclidean import EuclideanGraph
from .graph import Edges, Graph, KeptEdges
from .jaccard import JaccardGraph

__all__ = [
    'Edges',
    'EuclideanGraph',
    'Graph',
    'JaccardGraph',
    'KeptEdges',
    'connect',
    'joining_pairs',
]
