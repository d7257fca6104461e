"""Score an encoder by its frozen features, with all labels and with few."""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import TypedDict

from torch import Tensor

from mmrcl.datasets.subsets import balanced_subset

from .knn import accuracy, knn_predict
from .linear_probe import fit_linear_probe
from .tables import format_table

__all__ = [
    'METRICS',
    'Result',
    'Score',
    'evaluate_representation',
    'format_results',
    'linear_predict',
    'write_results_csv',
]

Predictor = Callable[[Tensor, Tensor, Tensor], Tensor]
"""From train features (N, d), train labels (N,) and features (M, d) to classes (M,)."""


class Score(TypedDict):
    """Accuracy in [0, 1] of one metric, with ``labels`` percent of the labels."""

    metric: str
    labels: int
    accuracy: float


class Result(Score):
    """A score and the name of the encoder that it belongs to."""

    encoder: str


def linear_predict(train_features: Tensor, train_labels: Tensor, features: Tensor) -> Tensor:
    """Classify features, (M, d), by a linear probe of the training features, (N, d)."""
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

    A share is a class-balanced subset (:func:`~mmrcl.datasets.balanced_subset`),
    so every encoder meets the same images at the same seed. One per cent of a
    small set is a handful of images: average it over several seeds.

    Args:
        train_features: (N, d); pixels may be passed as (N, H * W).
        train_labels: (N,) integers >= 0.
        test_features: (M, d).
        test_labels: (M,).
        label_shares: Percentages of the training labels, each in (0, 100].
        metrics: Names and classifiers; an entry such as
            ``'knn': partial(knn_predict, k=5)`` changes a setting.
        seeds: One draw of the subset for each; the scores are their means.

    Returns:
        One score for each metric and share, metrics outermost.
    """
    scores: list[Score] = []
    for name, predict in metrics.items():
        for share in label_shares:
            accuracies = []
            for seed in seeds if share < 100 else seeds[:1]:
                subset = balanced_subset(train_labels, share / 100, seed)
                predicted = predict(train_features[subset], train_labels[subset], test_features)
                accuracies.append(accuracy(predicted, test_labels))
            scores.append(Score(metric=name, labels=share, accuracy=fmean(accuracies)))
    return scores


def write_results_csv(path: str | Path, results: Iterable[Result]) -> Path:
    """Write results under the header ``encoder,metric,labels,accuracy``.

    Missing folders are made, an older file is overwritten.

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
