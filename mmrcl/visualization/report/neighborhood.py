"""Which images are similar: the nearest ones of each, and a map of all."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.clustering import nearest_neighbors
from mmrcl.progress import progress

from ..projection import Projection, project

__all__ = ['NEIGHBORS', 'Neighborhood', 'find_neighborhood', 'neighborhood_arrays']

NEIGHBORS = 12
_ROWS = 2048  # images whose nearest ones are searched at a time
_STEPS = 65_535  # places on the longer side of the map


class Neighborhood(NamedTuple):
    """What is near each of N images.

    Attributes:
        nearest: the k most similar other images, k = min(12, N - 1), shape (N, k).
        cosines: cosines with them, descending, shape (N, k).
        projection: the map.
    """

    nearest: np.ndarray
    cosines: np.ndarray
    projection: Projection


def find_neighborhood(features: Tensor) -> Neighborhood:
    """Find the nearest images of each and place all on a map; features of shape (N, d)."""
    unit = normalize(features.float(), dim=1)
    count = min(NEIGHBORS, len(unit) - 1)
    if not count:
        none = np.empty((len(unit), 0))
        return Neighborhood(none.astype(np.int64), none, project(unit))
    rows = torch.arange(len(unit), device=unit.device).split(_ROWS)
    found = [
        nearest_neighbors(unit[part], unit, count, excluded=part)
        for part in progress(rows, 'Finding similar images')
    ]
    cosines, nearest = (torch.cat(parts).cpu().numpy() for parts in zip(*found, strict=True))
    return Neighborhood(nearest, cosines, project(unit))


def neighborhood_arrays(near: Neighborhood) -> dict[str, np.ndarray]:
    """Return the arrays that the page reads; cosines as bytes, 255 for 1, and axes of one scale."""
    points = near.projection.points.astype(np.float64)
    points -= points.min(0)
    places = np.rint(_STEPS * points / max(points.max(), np.finfo(float).tiny)).astype(np.int64)
    return {
        'nearest': near.nearest.reshape(-1),
        'cosines': np.rint(255 * near.cosines.clip(0, 1)).astype(np.uint8).reshape(-1),
        'x': places[:, 0],
        'y': places[:, 1],
    }
