import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier

from mmrcl.evaluation import accuracy, knn_predict


def random_set(seed: int, n: int = 70, m: int = 30, d: int = 5, classes: int = 4):
    generator = torch.Generator().manual_seed(seed)
    train, test = (
        torch.randn(count, d, generator=generator, dtype=torch.float64) for count in (n, m)
    )
    return train, torch.randint(classes, (n,), generator=generator), test


def literal_knn(train, labels, features, k, temperature):
    """Wu et al. (2018), Sect. 3.4, one image at a time."""
    predictions = []
    for query in features:
        cosines = [float(query @ t / (query.norm() * t.norm())) for t in train]
        nearest = sorted(range(len(train)), key=lambda i: -cosines[i])[:k]
        votes = [0.0] * (int(labels.max()) + 1)
        for i in nearest:
            votes[int(labels[i])] += math.exp(cosines[i] / temperature)
        predictions.append(votes.index(max(votes)))
    return predictions


@settings(max_examples=30)
@given(
    seed=st.integers(0, 10**6),
    k=st.integers(1, 80),
    temperature=st.floats(0.05, 2.0),
    block_size=st.integers(1, 90),
)
def test_equals_a_literal_loop(seed, k, temperature, block_size):
    train, labels, test = random_set(seed)
    predicted = knn_predict(train, labels, test, k, temperature, block_size)
    assert predicted.tolist() == literal_knn(train, labels, test, k, temperature)


@pytest.mark.parametrize('seed', range(5))
def test_one_neighbour_equals_scikit_learn(seed):
    train, labels, test = random_set(seed, n=300, m=200)
    reference = KNeighborsClassifier(1, metric='cosine').fit(train.numpy(), labels.numpy())
    assert knn_predict(train, labels, test, k=1).tolist() == reference.predict(test).tolist()


def test_length_of_features_does_not_matter():
    train, labels, test = random_set(0)
    scaled = train * torch.arange(1, 71)[:, None]
    assert torch.equal(knn_predict(scaled, labels, 9 * test), knn_predict(train, labels, test))


def test_k_beyond_the_training_set_votes_as_a_whole():
    train, labels, test = random_set(0)
    whole = knn_predict(train, labels, test, k=70)
    assert torch.equal(knn_predict(train, labels, test, k=1000, block_size=16), whole)


def test_a_tied_vote_goes_to_the_lowest_class():
    train = torch.eye(3)
    features = torch.ones(1, 3)
    for labels in ([2, 1, 3], [3, 2, 1], [1, 3, 2]):
        assert knn_predict(train, torch.tensor(labels), features, k=3).tolist() == [1]


def test_a_small_temperature_does_not_overflow():
    train, labels, test = random_set(0)
    sharp = knn_predict(train.float(), labels, test.float(), k=20, temperature=1e-3)
    assert torch.equal(sharp, knn_predict(train, labels, test, k=1))


def test_half_precision_features_are_widened():
    train, labels, test = random_set(0)
    # So close to one direction that cosines in half precision would be rounded to a few values.
    train, test = (1 + 0.05 * train).half(), (1 + 0.05 * test).half()
    predicted = knn_predict(train, labels, test, k=1)
    assert torch.equal(predicted, knn_predict(train.float(), labels, test.float(), k=1))


def test_no_neighbour_is_refused():
    with pytest.raises(ValueError, match='k must be at least 1'):
        knn_predict(*random_set(0), k=0)


def test_accuracy_is_the_share_of_hits():
    assert accuracy(torch.tensor([1, 2, 3, 4]), torch.tensor([1, 0, 3, 0])) == 0.5
    assert accuracy(torch.tensor([1, 2, 3]), torch.tensor([1, 2, 3])) == 1.0
