import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_mutual_info_score

from mmrcl.evaluation import (
    adjusted_mutual_info,
    agreement,
    cluster_table,
    purity,
    same_cluster_precision,
)

PAIRS = st.lists(st.tuples(st.integers(-3, 8), st.integers(0, 4)), min_size=1, max_size=60)


def literal_table(pairs):
    rows = []
    for cluster in {c for c, _ in pairs}:
        kinds = Counter(kind for c, kind in pairs if c == cluster)
        majority = min(kinds, key=lambda kind: (-kinds[kind], kind))
        size = sum(kinds.values())
        rows.append((cluster, size, majority, kinds[majority] / size))
    return sorted(rows, key=lambda row: (-row[1], row[0]))


@given(PAIRS)
def test_table_equals_a_literal_count(pairs):
    labels, classes = torch.tensor(pairs).T
    table = cluster_table(labels, classes)
    assert list(zip(*(column.tolist() for column in table), strict=True)) == literal_table(pairs)


@given(PAIRS, st.integers(1, 4))
def test_purity_equals_a_literal_count(pairs, min_size):
    labels, classes = torch.tensor(pairs).T
    rows = [row for row in literal_table(pairs) if row[1] >= min_size]
    total = sum(size for _, size, _, _ in rows)
    expected = sum(size * share for _, size, _, share in rows) / total if rows else math.nan
    assert purity(labels, classes, min_size) == pytest.approx(expected, nan_ok=True)


def test_singletons_flatter_unless_left_out():
    labels = torch.tensor([0, 0, 0, 0, 1, 2, 3, 4])
    classes = torch.tensor([0, 0, 1, 1, 0, 0, 0, 0])
    assert purity(labels, classes) == 0.75
    assert purity(labels, classes, min_size=2) == 0.5


def test_adjusted_mutual_info_of_equal_and_independent_partitions():
    generator = torch.Generator().manual_seed(0)
    classes = torch.randint(5, (2000,), generator=generator)
    renamed = torch.randperm(5, generator=generator)[classes]
    unrelated = torch.randint(50, (2000,), generator=generator)
    assert adjusted_mutual_info(renamed, classes) == pytest.approx(1)
    assert abs(adjusted_mutual_info(unrelated, classes)) < 0.02


@given(PAIRS)
def test_adjusted_mutual_info_equals_scikit_learns(pairs):
    labels, classes = torch.tensor(pairs).T
    expected = adjusted_mutual_info_score(classes.numpy(), labels.numpy())
    assert adjusted_mutual_info(labels, classes) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(('clusters', 'classes'), [(1, 1), (300, 7), (40, 300), (2000, 10)])
def test_adjusted_mutual_info_of_random_labels_equals_scikit_learns(clusters, classes):
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(clusters, (2000,), generator=generator)
    known = torch.randint(classes, (2000,), generator=generator)
    labels[:300] = 0
    known[100:500] = known[0]
    expected = adjusted_mutual_info_score(known.numpy(), labels.numpy())
    assert adjusted_mutual_info(labels, known) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize('share', [0.001, 0.4])
def test_adjusted_mutual_info_of_large_clusters_equals_scikit_learns(share):
    """Most overlaps of these sizes are too unlikely to count."""
    generator = torch.Generator().manual_seed(2)
    labels = (torch.rand(30_000, generator=generator) < share).long()
    known = torch.randint(3, (30_000,), generator=generator)
    known[:20_000] = 0
    expected = adjusted_mutual_info_score(known.numpy(), labels.numpy())
    assert adjusted_mutual_info(labels, known) == pytest.approx(expected, abs=1e-12)


@given(PAIRS)
def test_agreement_holds_the_three_measures(pairs):
    labels, classes = torch.tensor(pairs).T
    expected = (
        adjusted_mutual_info(labels, classes),
        purity(labels, classes, min_size=2),
        same_cluster_precision(labels, classes),
    )
    assert agreement(labels, classes) == pytest.approx(expected, nan_ok=True)


def test_adjusted_mutual_info_at_the_size_of_imagenet():
    """Scikit-learn's own expectation walks over 300,000 x 1,000 pairs of sizes here."""
    generator = torch.Generator().manual_seed(0)
    classes = torch.randint(1000, (1_281_167,), generator=generator)
    labels = torch.randint(300_000, (1_281_167,), generator=generator)
    assert abs(adjusted_mutual_info(labels, classes)) < 1e-3


@given(PAIRS)
def test_same_cluster_precision_equals_a_literal_count(pairs):
    shares = []
    for i, (cluster, kind) in enumerate(pairs):
        same_cluster = [other for j, other in enumerate(pairs) if other[0] == cluster and j != i]
        if same_cluster:
            shares.append(sum(other[1] == kind for other in same_cluster) / len(same_cluster))
    expected = sum(shares) / len(shares) if shares else math.nan
    found = same_cluster_precision(*torch.tensor(pairs).T)
    assert found == pytest.approx(expected, nan_ok=True)


def test_table_of_many_small_clusters_is_quick():
    labels = torch.arange(200_000) // 2
    table = cluster_table(labels, labels % 10)
    assert np.all(table.purity == 1) and len(table.label) == 100_000
