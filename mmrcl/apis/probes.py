"""How good frozen features are, by two classifiers."""

from torch import Tensor

from mmrcl.evaluation import accuracy, fit_linear_probe, knn_predict

from .features import Features, class_numbers

__all__ = ['knn_accuracy', 'linear_accuracy']


def knn_accuracy(train: Features, test: Features, k: int = 20, temperature: float = 0.07) -> float:
    """Share of the test images that their neighbours classify right, in [0, 1].

    Args:
        train: with classes.
        test: with classes, all among those of ``train``.
        k: neighbours that vote, see :func:`mmrcl.evaluation.knn_predict`.
        temperature: softness of their weights.

    Raises:
        ValueError: if classes are not known, or the two do not fit each other.
    """
    train_labels, test_labels = _labels(train, test)
    return accuracy(
        knn_predict(train.vectors, train_labels, test.vectors, k, temperature), test_labels
    )


def linear_accuracy(train: Features, test: Features, weight_decay: float = 1e-3) -> float:
    """Share of the test images that a linear probe classifies right, in [0, 1].

    Args:
        train: with classes.
        test: with classes, all among those of ``train``.
        weight_decay: strength of the penalty, see :func:`mmrcl.evaluation.fit_linear_probe`.

    Raises:
        ValueError: if classes are not known, or the two do not fit each other.
    """
    train_labels, test_labels = _labels(train, test)
    num_classes = int(train_labels.max()) + 1
    probe = fit_linear_probe(train.vectors, train_labels, num_classes, weight_decay)
    return accuracy(probe.predict(test.vectors), test_labels)


def _labels(train: Features, test: Features) -> tuple[Tensor, Tensor]:
    if train.classes is None or test.classes is None:
        raise ValueError('the classes are not known: extract_features(..., class_folders=True)')
    if train.vectors.shape[1] != test.vectors.shape[1]:
        raise ValueError(
            f'{train.vectors.shape[1]} and {test.vectors.shape[1]} numbers an image: extract both '
            'by one encoder'
        )
    names = sorted(set(train.classes))
    strange = sorted(set(test.classes) - set(names))
    if strange:
        raise ValueError(f'the training images have none of class {", ".join(strange[:3])}')
    return class_numbers(train.classes, names), class_numbers(test.classes, names)
