import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmrcl.datasets import stratified_subset

LABELS = st.lists(st.integers(0, 6), min_size=1, max_size=120).map(torch.tensor)
FRACTIONS = st.floats(0.001, 1.0)
SEEDS = st.integers(0, 2**31)


@given(LABELS, FRACTIONS, SEEDS)
def test_every_class_gives_its_share(labels, fraction, seed):
    chosen = stratified_subset(labels, fraction, seed)
    for label in labels.unique():
        count = int((labels == label).sum())
        assert int((labels[chosen] == label).sum()) == max(1, round(fraction * count))


@given(LABELS, FRACTIONS, FRACTIONS, SEEDS)
def test_subsets_of_a_seed_are_nested(labels, fraction, other, seed):
    small, large = sorted((fraction, other))
    inner, outer = (set(stratified_subset(labels, f, seed).tolist()) for f in (small, large))
    assert inner <= outer


@given(LABELS, SEEDS)
def test_fraction_one_takes_everything_in_order(labels, seed):
    assert stratified_subset(labels, 1.0, seed).tolist() == list(range(len(labels)))


@given(LABELS, FRACTIONS, SEEDS)
def test_indices_are_sorted_and_distinct(labels, fraction, seed):
    chosen = stratified_subset(labels, fraction, seed)
    assert (chosen.diff() > 0).all()


def test_the_draw_depends_on_the_seed_alone():
    labels = torch.arange(1000) % 10
    torch.manual_seed(1)
    first = stratified_subset(labels, 0.02, seed=7)
    torch.manual_seed(2)
    assert torch.equal(first, stratified_subset(labels, 0.02, seed=7))
    assert not torch.equal(first, stratified_subset(labels, 0.02, seed=8))


def test_every_image_of_a_class_can_be_drawn():
    labels = torch.tensor([0, 1, 1, 0, 0])
    drawn = torch.cat([stratified_subset(labels, 0.2, seed) for seed in range(60)])
    assert drawn.bincount(minlength=5).min() > 0


@pytest.mark.parametrize('fraction', [0, -0.1, 1.5, 10])
def test_a_fraction_outside_its_range_is_refused(fraction):
    with pytest.raises(ValueError, match='fraction must lie in'):
        stratified_subset(torch.arange(3), fraction)
