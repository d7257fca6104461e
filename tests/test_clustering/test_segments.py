import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmrcl.clustering.graphs.components import (
    Components,
    connect,
    connect_in_rounds,
    joining_pairs,
)
from mmrcl.clustering.scratch import Scratch
from mmrcl.clustering.segments import (
    BlockSizes,
    group_rows,
    segment_mean,
    segment_sum,
    size_batches,
    true_pairs,
    true_places,
)

from .cases import BLOCKS


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32, torch.float16])
@pytest.mark.parametrize('seed', range(12))
def test_segment_sum_equals_a_loop(seed, dtype):
    """Groups from one row to several pieces of 256, some rows of the table more than once."""
    generator = torch.Generator().manual_seed(seed)
    table = torch.randn(900, 5, generator=generator).to(dtype)
    rows = torch.randint(900, (1500 * seed // 4 + 1,), generator=generator)
    keys = torch.randint((1, 3, 40, 700)[seed % 4], rows.shape, generator=generator)
    groups = group_rows(keys)
    sums = segment_sum(table, rows, groups)
    assert sums.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    expected = torch.stack([table[rows[keys == key]].double().sum(0) for key in groups.ids])
    assert torch.allclose(sums.double(), expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(sums, segment_sum(table, rows, groups))


def test_half_precision_is_summed_in_many_parts(monkeypatch):
    monkeypatch.setattr(BlockSizes, 'of', lambda device: BLOCKS[1])
    table = torch.randn(3000, 4).half()
    groups = group_rows(torch.arange(3000) % 7)
    rows = torch.randperm(3000)
    expected = segment_sum(table.float(), rows, groups)
    assert torch.allclose(segment_sum(table, rows, groups), expected, atol=1e-4)


def test_segment_mean():
    values = torch.tensor([[1.0], [2.0], [6.0]])
    assert segment_mean(values, group_rows(torch.tensor([4, 9, 4]))).tolist() == [[3.5], [2.0]]


@given(st.integers(1, 30), st.integers(1, 30), st.floats(0, 1), st.integers(0, 10**6))
def test_true_places_equal_nonzero(height, width, density, seed):
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.rand(height, width, generator=generator) < density
    assert torch.equal(torch.stack(true_places(chosen), 1), chosen.nonzero())


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0, 0.5), st.integers(0, 10**6))
def test_joining_pairs_join_the_same_components(height, width, density, seed):
    generator = torch.Generator().manual_seed(seed)
    linked = torch.rand(height, width, generator=generator) < density
    names = torch.randint(height + width, (height + width,), generator=generator)
    scratch = Scratch(linked.device)
    taken = joining_pairs(linked, *names.split([height, width]), scratch)
    assert not (taken & ~linked).any()
    assert taken.sum() <= 6 * (height + width)

    def components(pairs):
        roots = connect(torch.arange(height + width), *ends_of_names(names))
        rows, cols = pairs.nonzero(as_tuple=True)
        return connect(roots, rows, cols + height)

    assert torch.equal(components(taken), components(linked))


def ends_of_names(names):
    """Pairs that join all points of one name."""
    rows, cols = (names[:, None] == names).nonzero(as_tuple=True)
    return rows, cols


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), max_size=30))
def test_groups_equal_a_loop(rows):
    keys, marks = [key for key, _ in rows], [mark for _, mark in rows]
    groups = group_rows(torch.tensor(keys, dtype=torch.long), torch.tensor(marks).bool())
    assert groups.host.tolist() == [groups.counts.tolist(), groups.marked.tolist()]
    assert groups.marked.tolist() == [rows.count((key, True)) for key in groups.ids]
    assert groups.ids.tolist() == sorted(set(keys))
    assert [groups.ids[number].item() for number in groups.inverse] == keys
    for number, key in enumerate(sorted(set(keys))):
        rows = [row for row, other in enumerate(keys) if other == key]
        start, count = int(groups.starts[number]), int(groups.counts[number])
        assert groups.order[start : start + count].tolist() == rows


@given(st.integers(1, 5), st.integers(1, 9), st.floats(0, 1), st.integers(0, 10**6))
def test_true_pairs_lie_above_the_diagonals(groups, size, density, seed):
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.rand(groups, size, size, generator=generator) < density
    expected = [
        (group * size + left, group * size + right)
        for group, left, right in chosen.nonzero().tolist()
        if left < right
    ]
    first, second = true_pairs(chosen)
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == expected


@given(
    counts=st.lists(st.integers(1, 40), max_size=30),
    marked=st.integers(0, 30),
    largest=st.none() | st.integers(1, 40),
    least=st.integers(1, 6),
    widest=st.integers(6, 30),
    depth=st.sampled_from([1, 64]),
    blocks=st.sampled_from(BLOCKS),
)
def test_size_batches_cover_each_marked_group_once(
    counts, marked, largest, least, widest, depth, blocks
):
    keys = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts, dtype=torch.long))
    groups = group_rows(keys, keys % 31 < marked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BlockSizes, 'of', lambda device: blocks)
        batches = list(size_batches(groups, least, widest, depth, largest))
    chosen = [group for batch in batches for group in batch.chosen.tolist()]
    assert sorted(chosen) == [
        group
        for group, count in enumerate(counts)
        if group < marked and least <= count <= (largest or count)
    ]
    for batch in batches:
        sizes = [counts[group] for group in batch.chosen.tolist()]
        assert sizes == sorted(sizes, reverse=True)
        assert batch.width == min(sizes[0], widest)
        assert min(sizes[-1], widest) > batch.width // blocks.spread
        assert batch.wider == sum(size > widest for size in sizes)
        elements = len(sizes) * batch.width * max(batch.width, depth)
        assert len(sizes) == 1 or elements <= blocks.padded


@given(
    st.integers(1, 30),
    st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=60),
    st.integers(0, 20),
    st.integers(1, 4),
)
def test_components_are_the_smallest_nodes_that_pairs_reach(nodes, pairs, gathered, rounds):
    pairs = [(left % nodes, right % nodes) for left, right in pairs]
    components = Components(torch.arange(nodes), gathered)
    for left, right in pairs:
        components.add(torch.tensor([left]), torch.tensor([right]))
    names = list(range(nodes))
    for _ in range(nodes):
        for left, right in pairs:
            names[left] = names[right] = min(names[left], names[right])
    assert components.join().tolist() == names
    start = connect(torch.arange(nodes), *ends(pairs[::2]))
    assert connect_in_rounds(start, *ends(pairs[1::2]), rounds).tolist() == names


def ends(pairs):
    return torch.tensor(pairs, dtype=torch.long).reshape(-1, 2).unbind(1)
