"""Two coordinates for each image, from its features."""

from typing import NamedTuple

import numpy as np
import torch.nn.functional as F
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits
from torch import Tensor

__all__ = ['Projection', 'project', 'tsne']

TSNE_IMAGES = 5_000  # t-SNE of more takes minutes on a core


class Projection(NamedTuple):
    """Places of N images in a plane.

    Attributes:
        points: shape (N, 2), float32.
        method: how the places were computed, as a sentence for readers of the map.
    """

    points: np.ndarray
    method: str


def project(features: Tensor, seed: int = 0) -> Projection:
    """Place images of similar features close together.

    Up to 5,000 images are placed by t-SNE (van der Maaten & Hinton, 2008), more by PCA.

    Args:
        features: finite, shape (N, d); they are L2-normalised first.
        seed: seed of the draws of either method.
    """
    directions = F.normalize(features.cpu().float(), dim=1).numpy()
    count, width = directions.shape
    if not np.ptp(directions, axis=0).any():
        return Projection(np.zeros((count, 2), np.float32), 'All features are equal.')
    if 4 <= count <= TSNE_IMAGES and width > 1:
        return Projection(
            tsne(directions, seed=seed),
            'Placed by t-SNE: neighbours are similar, long distances mean little.',
        )
    pca = PCA(min(2, count, width), random_state=seed)
    points = pca.fit_transform(directions)
    share = pca.explained_variance_ratio_.sum()
    return Projection(
        np.pad(points, [(0, 0), (0, 2 - points.shape[1])]).astype(np.float32),
        f'Placed by PCA: the two directions of largest variance, {share:.0%} of it.',
    )


def tsne(directions: np.ndarray, perplexity: float = 30.0, seed: int = 0) -> np.ndarray:
    """Run scikit-learn's t-SNE, on one thread; shape (N, 2).

    Its parallel regions are short, so on a busy machine more threads mostly wait for each other.

    Args:
        directions: features of N >= 2 images, shape (N, d).
        perplexity: effective number of neighbours; at most a third of the images are taken.
        seed: seed of the draws.
    """
    perplexity = min(perplexity, (len(directions) - 1) / 3)
    method = TSNE(init='pca', perplexity=perplexity, random_state=seed)
    with threadpool_limits(1):
        return method.fit_transform(directions)
