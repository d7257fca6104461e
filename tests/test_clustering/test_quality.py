from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mmrcl.clustering import churn, contingency, majority, nesting_conformity, summarize_partition

PAIRS = st.lists(st.tuples(st.integers(-2, 5), st.integers(0, 4)), min_size=1, max_size=40)


def literal_churn(before, after):
    """Image by image, the set of its cluster before against the set after."""
    total = 0.0
    for image in range(len(before)):
        old = {other for other in range(len(before)) if before[other] == before[image]}
        new = {other for other in range(len(after)) if after[other] == after[image]}
        total += 1 - len(old & new) / len(old | new)
    return total / len(before)


@given(PAIRS)
def test_churn_equals_the_literal_reading(pairs):
    before, after = torch.tensor(pairs).T
    found = churn(before, after)
    assert found == pytest.approx(literal_churn(before.tolist(), after.tolist()), abs=1e-12)
    assert found == pytest.approx(churn(after, before), abs=1e-12)
    assert 0 <= found < 1


@given(st.lists(st.integers(0, 6), min_size=1, max_size=60), st.permutations(range(7)))
def test_churn_does_not_see_names(labels, names):
    before = torch.tensor(labels)
    assert churn(before, torch.tensor(names)[before]) == 0


def test_churn_of_a_split_and_of_nothing_kept():
    whole, halves = torch.zeros(8).long(), torch.arange(8) // 4
    assert churn(whole, halves) == churn(halves, whole) == 0.5
    assert churn(whole, torch.arange(8)) == 1 - 1 / 8


def test_churn_at_the_size_of_imagenet_takes_no_table_of_clusters():
    labels = torch.arange(1_281_167)
    assert churn(labels // 2, labels // 4) == pytest.approx(0.5, abs=1e-5)


# Labels in a short range are counted, labels far apart are sorted first.
NAMES = st.sampled_from([1, 10**6, 2**62])


@given(PAIRS, NAMES, NAMES)
def test_contingency_equals_a_literal_count(pairs, left, right):
    pairs = [((first % 3 - 1) * left, (second % 3 - 1) * right) for first, second in pairs]
    table = contingency(*torch.tensor(pairs).T)
    cells = zip(table.rows[table.row].tolist(), table.cols[table.col].tolist(), strict=True)
    counts = Counter(pairs)
    assert list(zip(cells, table.counts.tolist(), strict=True)) == sorted(counts.items())
    for names, sizes, side in ((table.rows, table.row_sizes, 0), (table.cols, table.col_sizes, 1)):
        found = {name: size for name, size in zip(*map(Tensor.tolist, (names, sizes)), strict=True)}
        assert {n: s for n, s in found.items() if s} == Counter(pair[side] for pair in pairs)


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=40), NAMES)
def test_summary_equals_a_literal_count(labels, name):
    summary = summarize_partition(torch.tensor([(label % 3 - 1) * name for label in labels]))
    counts = Counter(label % 3 for label in labels).values()
    assert summary.clusters == len(counts)
    assert summary.largest == max(counts)
    assert summary.singletons == sum(count == 1 for count in counts)
    assert summary.mean_size == len(labels) / len(counts)


@given(st.lists(st.tuples(st.integers(-2, 4), st.integers(-2, 5)), max_size=40))
def test_majority_is_the_most_frequent_value_and_the_smallest_of_several(pairs):
    keys, values = torch.tensor(pairs, dtype=torch.long).reshape(-1, 2).T
    found = majority(keys, values)
    assert found.ids.tolist() == sorted(set(keys.tolist()))
    for key, value, count in zip(*(part.tolist() for part in found), strict=True):
        counts = Counter(v for k, v in pairs if k == key)
        assert count == max(counts.values())
        assert value == min(v for v in counts if counts[v] == count)


@given(PAIRS)
def test_nesting_conformity_is_the_share_that_goes_with_the_majority(pairs):
    """Of any labels, noise among them."""
    fine, coarse = zip(*pairs, strict=True)
    conform = 0
    for below, above in pairs:
        counts = Counter(c for f, c in pairs if f == below)
        conform += above == min(c for c in counts if counts[c] == max(counts.values()))
    assert nesting_conformity(torch.tensor([fine, coarse])) == conform / len(pairs)
