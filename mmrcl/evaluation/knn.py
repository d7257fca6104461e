"""Weighted k-nearest-neighbour classification of frozen features."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from mmrcl.arguments import check_features, check_integers, check_labels, check_width
from mmrcl.clustering import nearest_neighbors

__all__ = ['accuracy', 'knn_predict']


@torch.no_grad()
def knn_predict(
    train_features: Tensor,
    train_labels: Tensor,
    features: Tensor,
    k: int = 20,
    temperature: float = 0.07,
    block_size: int = 8192,
) -> Tensor:
    """Classify by a vote of the k training images of largest cosine.

    Each neighbour votes for its class with weight ``exp(cosine / temperature)``,
    as in Wu et al., Unsupervised Feature Learning via Non-Parametric Instance
    Discrimination (2018), Sect. 3.4. A tied vote goes to the lowest class. The
    similarities exist one tile of ``block_size`` x ``block_size`` at a time, on
    the device of ``features``, in float64 for float64 features and otherwise in
    float32; the training features may be held elsewhere, in half precision too.

    Args:
        train_features: (N, d), of any length > 0.
        train_labels: Classes of the training images, (N,) integers >= 0.
        features: Features to classify, (M, d).
        k: Number of neighbours; a training set smaller than k votes as a whole.
        temperature: Softness of the weights; the smaller, the more the nearest
            neighbours decide.
        block_size: Side of a tile; 8192 takes 256 MiB in float32.

    Returns:
        Predicted classes, (M,) int64, on the device of ``features``.

    Raises:
        ValueError: If ``k`` or ``temperature`` is not positive, shapes do not fit, features are
            NaN or Inf, or a label is negative.
    """
    if k < 1:
        raise ValueError(f'k must be at least 1 neighbour, got {k}')
    train_features = check_features(train_features, 'train_features')
    train_labels = check_labels(train_labels, 'train_labels', len(train_features), 0)
    features = check_features(features)
    check_width(features, train_features.shape[1], 'features', 'train_features')
    if not 0 < temperature < math.inf:
        raise ValueError(f'temperature={temperature} must be above 0, and finite')
    tile = (block_size, block_size)
    labels = train_labels.to(features.device, torch.long)
    num_classes = int(labels.max()) + 1
    predictions = []
    for block in features.split(block_size):
        queries = F.normalize(block if block.dtype == torch.float64 else block.float(), dim=1)
        similarity, index = nearest_neighbors(
            queries, train_features, min(k, len(train_features)), tile, cosine=True
        )
        predictions.append(_vote(labels[index], similarity / temperature, num_classes))
    return torch.cat(predictions)


def accuracy(predictions: Tensor, labels: Tensor) -> float:
    """Compute the share of predictions, (N,), that equal the labels, (N,), in [0, 1]."""
    predictions = check_integers(predictions, 'predictions')
    labels = check_labels(labels, rows=len(predictions))
    return (predictions == labels.to(predictions.device)).double().mean().item()


def _vote(classes: Tensor, logits: Tensor, num_classes: int) -> Tensor:
    """Class of largest total weight, for neighbours (M, k) with log weights (M, k)."""
    weights = logits.softmax(dim=1)
    votes = weights.new_zeros(len(classes), num_classes)
    # One neighbour at a time: no two additions meet, so the sum is the same on every run.
    for rank in range(classes.shape[1]):
        votes.scatter_add_(1, classes[:, rank : rank + 1], weights[:, rank : rank + 1])
    return votes.argmax(dim=1)
