from functools import partial

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from mmrcl.datasets import stratified_subset
from mmrcl.evaluation import (
    METRICS,
    accuracy,
    evaluate_representation,
    format_results,
    knn_predict,
    predict_by_representation,
    score_predictions,
    write_results_csv,
)


@pytest.fixture
def features():
    """Features and labels to train and to test on: four overlapping classes."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(600) % 4
    centres = 1.5 * torch.randn(4, 8, generator=generator)
    cloud = centres[labels] + torch.randn(600, 8, generator=generator)
    return cloud[:400], labels[:400], cloud[400:], labels[400:]


def test_one_score_for_each_metric_and_share(features):
    scores = evaluate_representation(*features)
    assert [(score['metric'], score['labels']) for score in scores] == [
        (metric, share) for metric in ('knn', 'linear') for share in (1, 10, 100)
    ]
    assert all(0.5 < score['accuracy'] <= 1 for score in scores)


def test_a_score_is_the_mean_over_the_seeded_subsets(features):
    train, labels, test, test_labels = features
    nearest = {'knn': partial(knn_predict, k=1)}
    (score,) = evaluate_representation(*features, (5,), nearest, seeds=(3, 4))
    accuracies = []
    for seed in (3, 4):
        chosen = stratified_subset(labels, 0.05, seed)
        predicted = knn_predict(train[chosen], labels[chosen], test, k=1)
        accuracies.append(accuracy(predicted, test_labels))
    assert accuracies[0] != accuracies[1]
    assert score == {'metric': 'knn', 'labels': 5, 'accuracy': sum(accuracies) / 2}


def test_all_labels_are_evaluated_once_whatever_the_seeds(features):
    sizes = []

    def first_class(train, labels, test):
        sizes.append(len(train))
        return torch.zeros(len(test), dtype=torch.long)

    scores = evaluate_representation(*features, (10, 100), {'first': first_class}, seeds=(0, 1, 2))
    assert sizes == [40, 40, 40, 400]
    assert [score['accuracy'] for score in scores] == [0.25, 0.25]


def test_the_linear_metric_is_logistic_regression(features):
    train, labels, test, test_labels = features
    (score,) = evaluate_representation(*features, (100,), {'linear': METRICS['linear']})
    scaler = StandardScaler().fit(train.numpy())
    reference = LogisticRegression(C=1 / (400 * 1e-3), max_iter=1000)
    reference.fit(scaler.transform(train.numpy()), labels.numpy())
    expected = reference.score(scaler.transform(test.numpy()), test_labels.numpy())
    assert score['accuracy'] == pytest.approx(expected, abs=0.006)


def test_predictions_name_their_draw_and_give_the_scores(features):
    train, labels, test, test_labels = features
    arguments = ((10, 100), {'knn': METRICS['knn']}, (4, 7))
    predictions = list(predict_by_representation(train, labels, test, *arguments))
    assert [each[:3] for each in predictions] == [
        ('knn', 10, 4),
        ('knn', 10, 7),
        ('knn', 100, 4),
    ]
    scores = score_predictions(predictions, test_labels)
    assert scores == evaluate_representation(*features, *arguments)
    right = [accuracy(each.classes, test_labels) for each in predictions]
    assert [score['accuracy'] for score in scores] == [(right[0] + right[1]) / 2, right[2]]


RESULTS = [
    {'encoder': 'pixels', 'metric': 'knn', 'labels': 1, 'accuracy': 0.5},
    {'encoder': 'pixels', 'metric': 'linear', 'labels': 100, 'accuracy': 2 / 3},
    {'encoder': 'rcl', 'metric': 'knn', 'labels': 1, 'accuracy': 1.0},
]


def test_csv_has_the_promised_header_and_rows(tmp_path):
    path = write_results_csv(tmp_path / 'new' / 'demo' / 'results.csv', RESULTS)
    assert path.read_bytes().decode() == (
        'encoder,metric,labels,accuracy\n'
        'pixels,knn,1,0.500000\n'
        'pixels,linear,100,0.666667\n'
        'rcl,knn,1,1.000000\n'
    )


def test_text_table_has_a_row_for_each_encoder():
    assert format_results(RESULTS).splitlines() == [
        'encoder  knn 1 %  linear 100 %',
        '------------------------------',
        'pixels     50.0%         66.7%',
        'rcl       100.0%             -',
    ]
