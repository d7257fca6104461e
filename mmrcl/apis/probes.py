"""Evaluation of frozen features by two classifiers."""

from torch import Tensor

from mmrcl.arguments import check_features, check_width
from mmrcl.evaluation import accuracy, fit_linear_probe, knn_predict

from .features import Features, class_numbers

__all__ = ['knn_accuracy', 'linear_accuracy']


def knn_accuracy(train: Features, test: Features, k: int = 20, temperature: float = 0.07) -> float:
    """Return the kNN accuracy on the test images, in [0, 1].

    Args:
        train: training features with classes.
        test: test features with classes, all of which occur in ``train``.
        k: number of neighbours that vote, see :func:`mmrcl.evaluation.knn_predict`.
        temperature: temperature of the votes' weights.

    Raises:
        ValueError: if classes are missing, or widths or classes of the two do not match.
    """
    train_labels, test_labels = _labels(train, test)
    return accuracy(
        knn_predict(train.vectors, train_labels, test.vectors, k, temperature), test_labels
    )


def linear_accuracy(train: Features, test: Features, weight_decay: float = 1e-3) -> float:
    """Return the accuracy of a linear probe on the test images, in [0, 1].

    Args:
        train: training features with classes.
        test: test features with classes, all of which occur in ``train``.
        weight_decay: strength of the L2 penalty, see :func:`mmrcl.evaluation.fit_linear_probe`.

    Raises:
        ValueError: if classes are missing, or widths or classes of the two do not match.
    """
    train_labels, test_labels = _labels(train, test)
    num_classes = int(train_labels.max()) + 1
    probe = fit_linear_probe(train.vectors, train_labels, num_classes, weight_decay)
    return accuracy(probe.predict(test.vectors), test_labels)


def _labels(train: Features, test: Features) -> tuple[Tensor, Tensor]:
    if train.classes is None or test.classes is None:
        raise ValueError('the classes are unknown: use extract_features(..., class_folders=True)')
    vectors = check_features(train.vectors, 'train.vectors', len(train.classes))
    others = check_features(test.vectors, 'test.vectors', len(test.classes))
    check_width(others, vectors.shape[1], 'test.vectors', 'train.vectors')
    names = sorted(set(train.classes))
    unseen = sorted(set(test.classes) - set(names))
    if unseen:
        raise ValueError(f'no training image has class {", ".join(unseen[:3])}: add some to train')
    return class_numbers(train.classes, names), class_numbers(test.classes, names)
