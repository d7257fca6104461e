"""Orders that differences over seeds support."""

import math
from statistics import fmean, stdev

import numpy as np
import pytest

from mmrcl.ablations import format_ordering
from mmrcl.ablations.comparison import ArmResult, RunResult


def arm(title: str, scores: list[float]) -> ArmResult:
    """Return an arm with one kNN and one linear score for each seed, whose mean is the score."""
    runs = {}
    for seed, score in enumerate(scores):
        correct = {
            ('knn', 10): np.array([[score - 0.1]]),
            ('linear', 10): np.array([[score + 0.1]]),
        }
        runs[seed] = RunResult(correct, 1.0, {})
    return ArmResult(title, runs=runs)


def rows(table: str) -> list[list[str]]:
    return [line.strip('| ').split(' | ') for line in table.splitlines() if line.startswith('| ')][
        2:
    ]


def literally_ahead(first: list[float], second: list[float]) -> bool:
    """Compare with the quantile 0.975 of Student's t, two degrees of freedom: three seeds."""
    differences = [a - b for a, b in zip(first, second, strict=True)]
    return fmean(differences) / (stdev(differences) / math.sqrt(3)) > 4.302653


@pytest.mark.parametrize('seed', range(20))
def test_counts_those_ahead_and_behind(seed):
    rng = np.random.default_rng(seed)
    scores = {f'arm {i}': (0.5 + 0.05 * i / 6 + 0.01 * rng.random(3)).tolist() for i in range(6)}
    found = rows(format_ordering([arm(title, each) for title, each in scores.items()]))
    means = [float(row[1]) for row in found]
    assert means == sorted(means, reverse=True)
    for title, mean, ahead, behind in found:
        others = [each for other, each in scores.items() if other != title]
        assert float(mean) == pytest.approx(100 * fmean(scores[title]), abs=0.006)
        assert int(ahead) == sum(literally_ahead(scores[title], other) for other in others)
        assert int(behind) == sum(literally_ahead(other, scores[title]) for other in others)


def test_a_single_seed_supports_no_order():
    table = format_ordering([arm('a', [0.9]), arm('b', [0.1]), ArmResult('not run')])
    assert rows(table) == [['a', '90.00', '0', '0'], ['b', '10.00', '0', '0']]


def test_something_must_have_been_run():
    with pytest.raises(ValueError, match='no arm has results'):
        format_ordering([ArmResult('not run')])
