"""Extraction of the features that a clustering source clusters."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize
from torch.utils.data import DataLoader

from .extraction import extract, pooled

_ROWS = 1 << 16  # rows normalised together


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


def _maps(model: Any, images: Tensor) -> Sequence[Tensor]:
    backbone, _ = model.momentum_encoder.module
    return backbone(images)


SPACES: Mapping[str, Callable[[Any, Tensor], Tensor] | None] = {
    'projection': None,
    'encoder': lambda model, images: pooled(_maps(model, images)),
    'maps': lambda model, images: _maps(model, images)[-1].flatten(1),
    'images': lambda model, images: images.flatten(1),
}
"""Functions from model and images to the features to cluster, by space; None uses the keys."""

OWN_SPACES = ('bank', 'scores')
"""Spaces that only some algorithms have: the bank their steps have filled, and their scores."""


def extract_clustering_input(
    model: Any, space: str | Tensor, dataloader: DataLoader
) -> ClusteringInput:
    """Run the momentum encoder over all images once, see :func:`mmrcl.features.extract`.

    Args:
        model: model with ``extract_keys`` and a ``momentum_encoder`` of backbone and neck; for
            :data:`OWN_SPACES` with a bank in its ``hierarchy``, or ``extract_scores``.
        space: one of :data:`SPACES` or :data:`OWN_SPACES`, or features (N, D) from elsewhere,
            L2-normalised.
        dataloader: as for :func:`mmrcl.features.extract`.

    Returns:
        The features; for ``'bank'`` and ``'scores'`` both are the same, and scores are not
        normalised.

    Raises:
        ValueError: for a bank that is still empty.
    """
    if isinstance(space, str) and space in OWN_SPACES:
        return _own(model, space, dataloader)
    encode = None if isinstance(space, Tensor) else SPACES[space]
    if encode is None:
        keys, classes = extract(model, model.extract_keys, dataloader)
        features = space if isinstance(space, Tensor) else normalize(keys, dim=1)
        return ClusteringInput(keys, features.to(keys.device), classes)

    width = model.hierarchy.feat_dim  # 0 without a bank, which needs no keys

    def both(images: Tensor) -> Tensor:
        return torch.cat([model.extract_keys(images)[:, :width], encode(model, images)], 1)

    found, classes = extract(model, both, dataloader)
    return ClusteringInput(found[:, :width], normalize(found[:, width:], dim=1), classes)


def _own(model: Any, space: str, dataloader: DataLoader) -> ClusteringInput:
    if space == 'bank':
        if not bool(model.hierarchy.bank.any()):
            raise ValueError(
                "HierarchicalClusteringHook: space='bank' is for LocalAgg; no step of "
                f"{type(model).__name__} has written to the bank: set space='projection'"
            )
        return ClusteringInput(model.hierarchy.bank, model.hierarchy.bank, None)
    scores, classes = extract(model, model.extract_scores, dataloader)
    return ClusteringInput(scores, scores, classes)


def normalize_rows_(features: Tensor) -> Tensor:
    """L2-normalise features (N, D) in place, and return them.

    It works in blocks, for a second copy would take 5 GB for ImageNet at D = 1024. Normalised once
    more, many rows would change in their last bits.
    """
    for block in features.split(_ROWS):
        block.copy_(normalize(block, dim=1))
    return features
