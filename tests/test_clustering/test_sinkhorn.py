"""Balanced labels, against the matrices of the paper and the best assignment."""

import pytest
import torch
from scipy.optimize import linear_sum_assignment

from mmrcl.clustering import SinkhornSource
from mmrcl.clustering.sources import sinkhorn


def literal(scores: torch.Tensor, sharpness: float, iterations: int) -> torch.Tensor:
    """Q = diag(alpha) P^lambda diag(beta) by Sinkhorn-Knopp on the K x N matrix itself."""
    powers = scores.double().softmax(1).T ** sharpness
    rows, columns = powers.shape
    alpha, beta = torch.ones(rows, dtype=torch.float64), torch.ones(columns, dtype=torch.float64)
    for _ in range(iterations):
        for i in range(columns):
            beta[i] = 1 / columns / sum(alpha[y] * powers[y, i] for y in range(rows))
        for y in range(rows):
            alpha[y] = 1 / rows / sum(powers[y, i] * beta[i] for i in range(columns))
    return alpha[:, None] * powers * beta


def draw(images: int, classes: int, seed: int) -> torch.Tensor:
    return torch.randn(images, classes, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize('seed', range(3))
@pytest.mark.parametrize('sharpness', [1.0, 10.0])
def test_labels_are_the_largest_elements_of_the_transport(seed, sharpness, monkeypatch):
    monkeypatch.setattr(sinkhorn, '_ELEMENTS', 20)
    scores = draw(24, 4, seed)
    source = SinkhornSource(sharpness=sharpness, max_iters=500, tolerance=1e-5)
    transport = literal(scores, sharpness, 100)
    torch.testing.assert_close(transport.sum(1), torch.full((4,), 1 / 4, dtype=torch.float64))
    assert torch.equal(source(scores)[0], transport.argmax(0))


@pytest.mark.parametrize('seed', range(3))
def test_sharp_labels_are_the_best_equal_classes(seed):
    scores = draw(20, 4, seed)
    # Five places of each class.
    cost = -scores.log_softmax(1).repeat_interleave(5, 1)
    rows, places = linear_sum_assignment(cost.numpy())
    source = SinkhornSource(sharpness=100, max_iters=1000, tolerance=1e-4)
    assert source(scores)[0].tolist() == [int(place) // 5 for place in places[rows.argsort()]]


def test_classes_are_about_equal_where_the_largest_score_is_one_class():
    scores = draw(600, 5, 0)
    scores[:, 2] += 5
    assert (scores.argmax(1) == 2).float().mean() > 0.9
    counts = SinkhornSource()(scores)[0].bincount(minlength=5)
    assert counts.min() >= 110
    assert counts.max() <= 130


def test_each_classifier_is_labelled_for_itself():
    scores = draw(40, 12, 0)
    found = SinkhornSource(num_levels=3)(scores)
    expected = [SinkhornSource()(scores[:, 4 * level : 4 * level + 4])[0] for level in range(3)]
    assert torch.equal(found, torch.stack(expected))


def test_a_constant_added_to_an_image_changes_nothing():
    scores = draw(40, 4, 0)
    assert torch.equal(SinkhornSource()(scores), SinkhornSource()(scores + draw(40, 1, 1)))


def test_settings_that_do_not_fit():
    with pytest.raises(ValueError, match='num_levels=0 and max_iters=500 must be at least 1'):
        SinkhornSource(num_levels=0)
    with pytest.raises(ValueError, match='sharpness=0 above 0'):
        SinkhornSource(sharpness=0)
    with pytest.raises(ValueError, match='10 scores an image .* num_levels=4: set model.head'):
        SinkhornSource(num_levels=4)(draw(20, 10, 0))
