import math

import numpy as np
import pytest
from scipy.stats import chi2, sem

from mmrcl.evaluation.paired import headroom_share, image_test, mean_error


@pytest.fixture
def generator():
    return np.random.default_rng(0)


def test_mean_and_its_standard_error(generator):
    values = generator.normal(size=5)
    assert mean_error(values) == pytest.approx((values.mean(), sem(values)))
    assert mean_error(values[:1]).value == values[0]
    assert math.isnan(mean_error(values[:1]).error)


def test_one_prediction_an_image_is_mcnemars_test(generator):
    first, second = generator.random((2, 1, 300)) < [[[0.75]], [[0.7]]]
    b, c = (first & ~second).sum(), (second & ~first).sum()
    expected = chi2.sf((b - c) ** 2 / (b + c), df=1)
    assert 1e-4 < expected < 0.5
    assert image_test(first, second) == pytest.approx(expected)
    assert image_test(second, first) == pytest.approx(expected)


def test_several_predictions_an_image_are_tested_by_flipping_signs(generator):
    images = generator.random(200)
    first, second = generator.random((2, 3, 200)) < [[images + 0.06], [images]]
    difference = (first.astype(float) - second).mean(axis=0)
    signs = generator.choice((-1, 1), (20000, 200))
    expected = (np.abs(signs @ difference) > abs(difference.sum()) - 1e-9).mean()
    assert 0.01 < expected < 0.5
    assert image_test(first, second) == pytest.approx(expected, abs=0.015)


def test_doubled_predictions_tell_nothing_new(generator):
    first, second = generator.random((2, 2, 200)) < [[[0.8]], [[0.7]]]
    doubled = image_test(np.repeat(first, 2, 0), np.repeat(second, 2, 0))
    assert doubled == pytest.approx(image_test(first, second))


def test_equal_predictions_do_not_differ():
    right = np.array([[True, False, True]])
    assert image_test(right, right) == 1


def test_predictions_that_cannot_be_paired_are_refused():
    with pytest.raises(ValueError, match='cannot be paired'):
        image_test(np.ones((2, 3), dtype=bool), np.ones((1, 3), dtype=bool))


def test_share_of_the_headroom_and_its_jackknife_error(generator):
    lower = generator.normal(0.8, 0.005, 6)
    upper = generator.normal(0.84, 0.005, 6)
    arm = generator.normal(0.82, 0.005, 6)

    def share(kept):
        return (arm[kept].mean() - lower[kept].mean()) / (upper[kept].mean() - lower[kept].mean())

    without = [share(np.arange(6) != left) for left in range(6)]
    error = math.sqrt(5 * np.var(without))
    assert headroom_share(arm, lower, upper) == pytest.approx((share(np.arange(6)), error))
    assert headroom_share(lower, lower, upper) == (0, 0)
    assert headroom_share(upper, lower, upper).value == 1
    assert math.isnan(headroom_share(arm[:1], lower[:1], upper[:1]).error)
