"""Evaluation of frozen features by two classifiers."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from mmrcl.arguments import check_features, check_width
from mmrcl.evaluation import accuracy, fit_linear_probe, knn_predict

from .features import Features, class_numbers

__all__ = ['check_classes', 'knn_accuracy', 'linear_accuracy']

Labelled = Features | tuple[Tensor, Sequence[Any] | Tensor]


def knn_accuracy(train: Labelled, test: Labelled, k: int = 20, temperature: float = 0.07) -> float:
    """Return the kNN accuracy on the test images, in [0, 1].

    Args:
        train: training features with classes, or a pair: vectors (N, d) and N classes, of any type.
        test: test features, all of whose classes occur in ``train``.
        k: number of neighbours that vote, see :func:`mmrcl.evaluation.knn_predict`.
        temperature: temperature of the votes' weights.

    Raises:
        ValueError: if classes are missing, or widths or classes of the two do not match.
    """
    vectors, labels, others, other_labels = _labels(train, test)
    return accuracy(knn_predict(vectors, labels, others, k, temperature), other_labels)


def linear_accuracy(train: Labelled, test: Labelled, weight_decay: float = 1e-3) -> float:
    """Return the accuracy of a linear probe on the test images, in [0, 1].

    Args:
        train: training features with classes, or a pair: vectors (N, d) and N classes, of any type.
        test: test features, all of whose classes occur in ``train``.
        weight_decay: strength of the L2 penalty, see :func:`mmrcl.evaluation.fit_linear_probe`.

    Raises:
        ValueError: if classes are missing, or widths or classes of the two do not match.
    """
    vectors, labels, others, other_labels = _labels(train, test)
    probe = fit_linear_probe(vectors, labels, int(labels.max()) + 1, weight_decay)
    return accuracy(probe.predict(others), other_labels)


def _labels(train: Labelled, test: Labelled) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return vectors and class numbers of the training images, then of the test images."""
    vectors, classes = _parts(train, 'train')
    others, other_classes = _parts(test, 'test')
    check_width(others, vectors.shape[1], 'test.vectors', 'train.vectors')
    names = sorted(set(classes))
    check_classes(names, other_classes)
    return vectors, class_numbers(classes, names), others, class_numbers(other_classes, names)


def check_classes(train: Iterable[Any], test: Iterable[Any]) -> None:
    """Raise a ValueError unless all classes of test images occur among those of training images."""
    unseen = sorted(set(test) - set(train))
    if unseen:
        raise ValueError(
            f'no training image has class {", ".join(map(str, unseen[:3]))}: add some to train'
        )


def _parts(features: Labelled, name: str) -> tuple[Tensor, list[Any]]:
    vectors, classes = (
        (features.vectors, features.classes) if isinstance(features, Features) else features
    )
    if classes is None:
        raise ValueError('the classes are unknown: use extract_features(..., class_folders=True)')
    listed = classes.tolist() if isinstance(classes, (Tensor, np.ndarray)) else list(classes)
    return check_features(vectors, f'{name}.vectors', len(listed)), listed
