"""Score an encoder by its frozen features, with all labels and with few."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple, TypedDict

from torch import Tensor

from mmrcl.arguments import check_features, check_labels, check_width
from mmrcl.datasets import stratified_subset

from .knn import accuracy, knn_predict
from .linear_probe import fit_linear_probe
from .tables import format_table

__all__ = [
    'METRICS',
    'Prediction',
    'Result',
    'Score',
    'evaluate_representation',
    'format_results',
    'linear_predict',
    'predict_by_representation',
    'score_predictions',
    'write_results_csv',
]

Predictor = Callable[[Tensor, Tensor, Tensor], Tensor]
"""From train features (N, d), train labels (N,) and features (M, d) to classes (M,)."""


class Score(TypedDict):
    """Accuracy in [0, 1] of one metric, with ``labels`` percent of the labels."""

    metric: str
    labels: int
    accuracy: float


class Prediction(NamedTuple):
    """Predicted classes of the test images, from one draw of the labels.

    Attributes:
        metric: The classifier's name.
        labels: Percentage of the training labels used.
        draw: Seed of the subset.
        classes: (M,) int64.
    """

    metric: str
    labels: int
    draw: int
    classes: Tensor


class Result(Score):
    """A score and the name of the encoder that it belongs to."""

    encoder: str


def linear_predict(train_features: Tensor, train_labels: Tensor, features: Tensor) -> Tensor:
    """Classify features, (M, d), by a linear probe of the training features, (N, d)."""
    train_labels = check_labels(train_labels, 'train_labels', len(train_features), 0)
    num_classes = int(train_labels.max()) + 1
    return fit_linear_probe(train_features, train_labels, num_classes).predict(features)


METRICS: Mapping[str, Predictor] = {'knn': knn_predict, 'linear': linear_predict}


def evaluate_representation(
    train_features: Tensor,
    train_labels: Tensor,
    test_features: Tensor,
    test_labels: Tensor,
    label_shares: Sequence[int] = (1, 10, 100),
    metrics: Mapping[str, Predictor] = METRICS,
    seeds: Sequence[int] = (0,),
) -> list[Score]:
    """Score features by every metric with every share of the training labels.

    Args:
        train_features: As for :func:`predict_by_representation`, like all but ``test_labels``.
        train_labels: (N,).
        test_features: (M, d).
        test_labels: (M,).
        label_shares: Percentages.
        metrics: Names and classifiers.
        seeds: One draw of the subset for each; the scores are their means.

    Returns:
        One score for each metric and share, metrics outermost.
    """
    test_features = check_features(test_features, 'test_features')
    test_labels = check_labels(test_labels, 'test_labels', len(test_features))
    predictions = predict_by_representation(
        train_features, train_labels, test_features, label_shares, metrics, seeds
    )
    return score_predictions(predictions, test_labels)


def predict_by_representation(
    train_features: Tensor,
    train_labels: Tensor,
    test_features: Tensor,
    label_shares: Sequence[int] = (1, 10, 100),
    metrics: Mapping[str, Predictor] = METRICS,
    seeds: Sequence[int] = (0,),
) -> Iterator[Prediction]:
    """Classify by every metric with every share of the training labels.

    A share is a stratified subset (:func:`~mmrcl.datasets.stratified_subset`),
    so every encoder gets the same images for the same seed. One per cent of a
    small set is a handful of images: average over several seeds.

    Args:
        train_features: (N, d); pixels may be passed as (N, H * W).
        train_labels: (N,) integers >= 0.
        test_features: (M, d).
        label_shares: Percentages of the training labels, each in (0, 100].
        metrics: Names and classifiers; an entry such as
            ``'knn': partial(knn_predict, k=5)`` changes a setting.
        seeds: One draw of the subset for each; all labels are taken once.

    Yields:
        One prediction for each metric, share and seed, metrics outermost.
    """
    train_features = check_features(train_features, 'train_features')
    train_labels = check_labels(train_labels, 'train_labels', len(train_features), 0)
    test_features = check_features(test_features, 'test_features')
    check_width(test_features, train_features.shape[1], 'test_features', 'train_features')
    for name, predict in metrics.items():
        for share in label_shares:
            for seed in seeds if share < 100 else seeds[:1]:
                subset = stratified_subset(train_labels, share / 100, seed)
                classes = predict(train_features[subset], train_labels[subset], test_features)
                yield Prediction(name, share, seed, classes)


def score_predictions(predictions: Iterable[Prediction], test_labels: Tensor) -> list[Score]:
    """Average the accuracy of each metric and share over its draws, in their order."""
    accuracies: dict[tuple[str, int], list[float]] = {}
    for each in predictions:
        drawn = accuracies.setdefault((each.metric, each.labels), [])
        drawn.append(accuracy(each.classes, test_labels))
    return [
        Score(metric=metric, labels=share, accuracy=fmean(drawn))
        for (metric, share), drawn in accuracies.items()
    ]


def write_results_csv(path: str | Path, results: Iterable[Result]) -> Path:
    """Write results under the header ``encoder,metric,labels,accuracy``.

    Missing folders are created, an existing file is overwritten.

    Returns:
        The path written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open('w', newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(['encoder', 'metric', 'labels', 'accuracy'])
        for row in results:
            score = f'{row["accuracy"]:.6f}'
            writer.writerow([row['encoder'], row['metric'], row['labels'], score])
    return path


def format_results(results: Iterable[Result]) -> str:
    """Lay results out as text: a row for each encoder, a column for each metric and share.

    Accuracies are in per cent; a missing one shows as '-'.
    """
    cells = {(r['encoder'], r['metric'], r['labels']): f'{r["accuracy"]:.1%}' for r in results}
    encoders = list(dict.fromkeys(encoder for encoder, _, _ in cells))
    columns = list(dict.fromkeys((metric, labels) for _, metric, labels in cells))
    header = ['encoder', *(f'{metric} {labels} %' for metric, labels in columns)]
    rows = [[name, *(cells.get((name, *column), '-') for column in columns)] for name in encoders]
    return format_table(header, rows)
