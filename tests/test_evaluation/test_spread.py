import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmrcl.evaluation import effective_rank, mean_deviation


def literal_rank(features):
    """Garrido et al. (2023), Eq. 1, from the eigenvalues of the Gram matrix."""
    eigenvalues = torch.linalg.eigvalsh(features.double().T @ features.double())
    sigma = [math.sqrt(max(float(value), 0.0)) for value in eigenvalues]
    shares = [value / sum(sigma) + 1e-7 for value in sigma]
    return math.exp(-sum(share * math.log(share) for share in shares))


def literal_deviation(features):
    rows = [[float(x) for x in row] for row in features.double()]
    unit = [[x / math.sqrt(sum(y * y for y in row)) for x in row] for row in rows]
    deviations = []
    for column in zip(*unit, strict=True):
        mean = sum(column) / len(column)
        deviations.append(math.sqrt(sum((x - mean) ** 2 for x in column) / len(column)))
    return math.sqrt(len(deviations)) * sum(deviations) / len(deviations)


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), n=st.integers(6, 30), d=st.integers(1, 6))
def test_equal_the_literal_formulas(seed, n, d):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(n, d, generator=generator, dtype=torch.float64) + 1
    assert effective_rank(features) == pytest.approx(literal_rank(features), rel=1e-6)
    assert mean_deviation(features) == pytest.approx(literal_deviation(features), rel=1e-9)


def test_both_signs_of_every_axis_spread_most():
    axes = torch.cat([torch.eye(16), -torch.eye(16)])
    assert effective_rank(axes) == pytest.approx(16, rel=1e-4)
    assert mean_deviation(axes) == pytest.approx(1, rel=1e-9)


def test_orthonormal_features_have_full_rank():
    features = torch.linalg.qr(torch.randn(64, 64, generator=torch.Generator().manual_seed(0)))[0]
    assert effective_rank(features) == pytest.approx(64, rel=1e-4)
    # Each axis once: mean 1/d and square mean 1/d in every dimension.
    assert mean_deviation(torch.eye(64)) == pytest.approx(math.sqrt(1 - 1 / 64), rel=1e-9)


@pytest.mark.parametrize('value', [0.0, 1.0, -3e-20])
def test_equal_features_have_collapsed(value):
    features = torch.full((50, 8), value)
    assert effective_rank(features) == pytest.approx(1, abs=1e-4)
    assert mean_deviation(features) == pytest.approx(0, abs=1e-7)


def test_gaussian_features_spread():
    features = torch.randn(4000, 32, generator=torch.Generator().manual_seed(0))
    assert effective_rank(features) > 31.9
    assert mean_deviation(features) == pytest.approx(1, abs=0.01)


def test_a_plane_has_rank_two():
    plane = torch.randn(1000, 2, generator=torch.Generator().manual_seed(0)) @ torch.eye(2, 32)
    assert effective_rank(plane) == pytest.approx(2, abs=0.01)


def test_lengths_change_the_rank_alone():
    features = torch.randn(200, 8, generator=torch.Generator().manual_seed(0))
    stretched = features * torch.linspace(0.1, 10, 200)[:, None]
    assert mean_deviation(stretched) == pytest.approx(mean_deviation(features), rel=1e-6)
    assert effective_rank(stretched * 5) == pytest.approx(effective_rank(stretched), rel=1e-6)


@pytest.mark.parametrize('bad', [float('nan'), float('inf')])
def test_what_is_not_finite_gives_nan(bad):
    features = torch.randn(10, 4, generator=torch.Generator().manual_seed(0))
    features[3, 2] = bad
    assert math.isnan(effective_rank(features))
    assert math.isnan(mean_deviation(features))
