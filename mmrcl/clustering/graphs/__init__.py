"""Neighbourhood graphs: which images are near each other."""

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
