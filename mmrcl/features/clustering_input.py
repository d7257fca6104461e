"""Extraction of the features that a clustering source clusters."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize
from torch.utils.data import DataLoader

from .extraction import extract


class ClusteringInput(NamedTuple):
    """Features of all images, in the order of the data set.

    Attributes:
        keys: projections of the momentum encoder, L2-normalised, shape (N, d).
        features: the features to cluster, L2-normalised, shape (N, D).
        classes: true classes, shape (N,), or None if an image has none.
    """

    keys: Tensor
    features: Tensor
    classes: Tensor | None


def _maps(model: Any, images: Tensor) -> Tensor:
    backbone, _ = model.momentum_encoder.module
    return backbone(images)[-1]


SPACES: Mapping[str, Callable[[Any, Tensor], Tensor] | None] = {
    'projection': None,
    'encoder': lambda model, images: _maps(model, images).flatten(2).mean(2),
    'maps': lambda model, images: _maps(model, images).flatten(1),
    'images': lambda model, images: images.flatten(1),
}
"""Functions from model and images to the features to cluster, by space; None uses the keys."""


def extract_clustering_input(model: Any, space: str, dataloader: DataLoader) -> ClusteringInput:
    """Run the momentum encoder over all images once, see :func:`mmrcl.features.extract`.

    Args:
        model: model with ``extract_keys`` and a ``momentum_encoder`` of backbone and neck.
        space: one of :data:`SPACES`.
        dataloader: as for :func:`mmrcl.features.extract`.
    """
    encode = SPACES[space]
    if encode is None:
        keys, classes = extract(model, model.extract_keys, dataloader)
        return ClusteringInput(keys, normalize(keys, dim=1), classes)

    def both(images: Tensor) -> Tensor:
        return torch.cat([model.extract_keys(images), encode(model, images)], 1)

    found, classes = extract(model, both, dataloader)
    width = model.hierarchy.feat_dim
    return ClusteringInput(found[:, :width], normalize(found[:, width:], dim=1), classes)
