import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmrcl.clustering import HierarchyRefiner, LabelHierarchy
from mmrcl.clustering.refinement import density_peaks
from mmrcl.clustering.refinement.label_propagation import isolated_pair_score
from mmrcl.clustering.segments import BlockSizes

from . import literal
from .cases import BLOCKS, blobs, random_hierarchy


def refiner_of(seed: int) -> HierarchyRefiner:
    """Settings that take every path: both assignments, both merges, small and large caps."""
    return HierarchyRefiner(
        max_pieces=(2, 3, 8)[seed % 3],
        min_units=(3, 5)[seed % 2],
        max_units=(4, 7, 256)[seed // 2 % 3],
        max_candidates=(1, 3, 16)[seed // 3 % 3],
        assign=('nearest', 'propagation')[seed // 2 % 2],
        merge=('average', 'centers', 'propagation')[seed // 4 % 3],
        join=('mutual', 'transitive')[seed // 3 % 2],
        merge_threshold=('auto', 0.3, 0.7)[seed % 3],
    )


def random_batch(num: int, size: int, seed: int) -> torch.Tensor:
    return torch.randint(num, (size,), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize('seed', range(200))
def test_equal_to_the_literal_refinement(seed):
    hierarchy = random_hierarchy(30 + seed % 50, 2 + seed % 3, 6, seed)
    refiner = refiner_of(seed)
    refiner.neighbors = (3, 8, 15)[: hierarchy.num_levels - 1]
    refiner.calibrate(hierarchy)
    batch = random_batch(hierarchy.num_samples, 1 + seed % 12, seed)
    expected = literal.refine(refiner, hierarchy, batch.tolist())
    refiner.refine(hierarchy, batch)
    hierarchy.check()
    assert literal.as_partition(hierarchy.labels) == literal.as_partition(
        torch.from_numpy(expected)
    )


@pytest.mark.parametrize('blocks', BLOCKS)
@pytest.mark.parametrize('seed', range(12))
def test_blocks_of_any_size_refine_alike(blocks, seed, monkeypatch):
    """Wide clusters, crowded families and copies among them."""
    hierarchy = random_hierarchy(150, 3, 6, seed)
    hierarchy.bank[70:110] = hierarchy.bank[30:70]
    refiner = refiner_of(seed)
    refiner.thresholds = [0.5, 0.3]
    batch = random_batch(150, 20, seed)
    expected = literal.refine(refiner, hierarchy, batch.tolist())
    monkeypatch.setattr(BlockSizes, 'of', lambda device: blocks)
    refiner.refine(hierarchy, batch)
    hierarchy.check()
    assert literal.as_partition(hierarchy.labels) == literal.as_partition(
        torch.from_numpy(expected)
    )


@pytest.mark.slow
@settings(max_examples=30)
@given(seed=st.integers(0, 10**6))
def test_invariants_over_many_refinements(seed):
    """30 examples of 10 refinements each: 300 refinements from random hierarchies."""
    hierarchy = random_hierarchy(120, 2 + seed % 3, 6, seed)
    refiner = refiner_of(seed)
    refiner.neighbors = (3, 8, 15)[: hierarchy.num_levels - 1]
    refiner.calibrate(hierarchy)
    for step in range(10):
        batch = random_batch(120, 8, seed + step)
        before = hierarchy.labels.clone()
        twin = LabelHierarchy(hierarchy.num_levels, 6, 120).double()
        twin.load_state_dict(hierarchy.state_dict())
        changes = refiner.refine(hierarchy, batch)
        hierarchy.check()
        assert refiner.refine(twin, batch) == changes
        assert torch.equal(twin.labels, hierarchy.labels)
        assert_untouched_unchanged(before, hierarchy.labels, batch)


def assert_untouched_unchanged(before, after, batch) -> None:
    """A cluster with no batch image stays whole, and grows only by what was touched."""
    for level, (old, new) in enumerate(zip(before, after, strict=True)):
        for cluster in old.unique():
            members = old == cluster
            if members[batch].any():
                continue
            assert len(new[members].unique()) == 1
            won = (new == new[members][0]) & ~members
            border = before[min(level + 1, len(before) - 1)]
            if not (border == border[members][0])[batch].any():
                assert not won.any()
            elif won.any():
                assert torch.isin(old[won], old[batch]).any()


def test_a_bank_that_is_not_finite_is_refused():
    hierarchy = random_hierarchy(30, 3, 6, 0)
    hierarchy.bank[4, 2] = torch.nan
    with pytest.raises(ValueError, match='the bank of the hierarchy: 1 of 30 rows.*row 4'):
        HierarchyRefiner().calibrate(hierarchy)


def refined(degrees: list[float], labels: list[int], steps: int = 3, **settings) -> list[int]:
    """Labels of level 2 of points on a circle, after refinements that touch all of them."""
    angles = torch.tensor(degrees).deg2rad()
    hierarchy = LabelHierarchy(2, 2, len(degrees))
    hierarchy.set_bank(torch.stack([angles.cos(), angles.sin()], 1))
    hierarchy.set_labels(torch.tensor([labels]))
    refiner = HierarchyRefiner(**settings)
    refiner.calibrate(hierarchy)
    for _ in range(steps):
        refiner.refine(hierarchy, torch.arange(len(degrees)))
    return hierarchy.labels[0].tolist()


@pytest.mark.parametrize(('join', 'expected'), [('mutual', [0, 1]), ('transitive', [0, 0])])
def test_a_wrong_pair_falls_apart(join, expected):
    assert refined([0, 40], [0, 0], join=join, merge_threshold=0.9) == expected


@pytest.mark.parametrize(('join', 'expected'), [('mutual', [0, 0, 2, 2]), ('transitive', [0] * 4)])
def test_a_chain_is_joined_by_single_linkage_alone(join, expected):
    """Neighbours are similar (cosines .93 to .95), the ends are not."""
    settings = dict(join=join, merge_threshold=0.9)
    assert refined([0, 18, 40, 58], [0, 1, 2, 3], **settings) == expected


def test_mutual_pairs_grow_over_the_steps():
    degrees = [0, 1, 3, 4]
    settings = dict(join='mutual', merge_threshold=0.9)
    assert refined(degrees, [0, 1, 2, 3], steps=1, **settings) == [0, 0, 2, 2]
    assert refined(degrees, [0, 1, 2, 3], steps=2, **settings) == [0] * 4


def test_an_empty_bank_is_refused():
    with pytest.raises(ValueError, match='bank of the hierarchy is empty: call update_bank'):
        HierarchyRefiner().calibrate(LabelHierarchy(3, 6, 30))


@pytest.mark.parametrize('seed', range(4))
def test_images_without_a_feature_change_nothing_for_the_others(seed):
    """As if they were not there: the same thresholds, splits and merges."""
    with_empty, without = (random_hierarchy(60, 3, 6, seed) for _ in range(2))
    generator = torch.Generator().manual_seed(seed)
    empty = torch.randperm(60, generator=generator)[:9]
    seen = torch.ones(60, dtype=torch.bool)
    seen[empty] = False
    with_empty.bank[empty] = 0
    rest = LabelHierarchy(3, 6, 51).to(without.bank.dtype)
    rest.set_bank(without.bank[seen])
    rest.set_labels(without.labels[:, seen])
    refiners = [HierarchyRefiner(neighbors=(2, 6)) for _ in range(2)]
    for refiner, hierarchy in zip(refiners, (with_empty, rest), strict=True):
        refiner.calibrate(hierarchy)
    assert refiners[0].thresholds == pytest.approx(refiners[1].thresholds, abs=1e-6)
    place = seen.cumsum(0) - 1
    for step in range(5):
        batch = seen.nonzero()[:, 0][torch.randperm(51, generator=generator)[:12]]
        assert refiners[0].refine(with_empty, batch) == refiners[1].refine(rest, place[batch])
        found = with_empty.labels
        assert torch.equal(place[found[:, seen]], rest.labels), step
        assert torch.equal(found[:, empty], empty.expand(2, -1))


def test_half_precision_bank_refines_alike():
    """Coarse bits move few of 600 images: the partitions agree but for some."""
    agreement = []
    for seed in range(5):
        labels = []
        for dtype in ('float32', 'float16'):
            source = random_hierarchy(600, 3, 16, seed)
            hierarchy = LabelHierarchy(3, 16, 600, bank_dtype=dtype)
            hierarchy.set_bank(source.bank)
            hierarchy.set_labels(source.labels)
            refiner = HierarchyRefiner()
            refiner.calibrate(hierarchy)
            refiner.refine(hierarchy, random_batch(600, 50, seed))
            hierarchy.check()
            labels.append(hierarchy.labels)
        agreement.append((labels[0] == labels[1]).double().mean())
    assert sum(agreement) / 5 > 0.9


def two_blob_hierarchy(sizes=(20, 20), spread=0.05):
    """One top cluster over one middle cluster made of two clear blobs."""
    points = blobs(list(sizes), spread, dim=16, seed=3)
    hierarchy = LabelHierarchy(3, 16, len(points)).double()
    hierarchy.set_bank(points)
    return hierarchy


def test_two_clear_blobs_are_split():
    hierarchy = two_blob_hierarchy()
    hierarchy.set_labels(torch.zeros(2, 40, dtype=torch.long))
    refiner = HierarchyRefiner(merge_threshold=0.6)
    refiner.calibrate(hierarchy)
    refiner.refine(hierarchy, torch.tensor([0]))
    assert hierarchy.labels[0].tolist() == [0] * 20 + [20] * 20


@pytest.mark.parametrize('merge', ['average', 'centers', 'propagation'])
def test_siblings_with_one_center_are_merged(merge):
    hierarchy = two_blob_hierarchy((12, 20))
    middle = torch.tensor([0] * 6 + [1] * 6 + [2] * 20)
    hierarchy.set_labels(torch.stack([middle, torch.zeros_like(middle)]))
    refiner = HierarchyRefiner(min_units=50, merge=merge, merge_threshold=0.8)
    refiner.calibrate(hierarchy)
    changes = refiner.refine(hierarchy, torch.tensor([7]))
    assert hierarchy.labels[0].tolist() == [0] * 12 + [12] * 20
    assert changes[0].merges == 1
    assert changes[0].splits == 0


def test_pieces_of_a_giant_cluster_stay_within_the_cap():
    hierarchy = two_blob_hierarchy((300, 300))
    hierarchy.set_labels(torch.zeros(2, 600, dtype=torch.long))
    refiner = HierarchyRefiner(max_units=16, merge_threshold=0.6)
    refiner.calibrate(hierarchy)
    refiner.refine(hierarchy, torch.tensor([5]))
    assert hierarchy.labels[0].tolist() == [0] * 300 + [300] * 300


def test_identical_images_do_not_break_anything():
    hierarchy = LabelHierarchy(3, 4, 20).double()
    hierarchy.set_bank(torch.ones(20, 4))
    hierarchy.set_labels(torch.zeros(2, 20, dtype=torch.long))
    for assign in ('nearest', 'propagation'):
        refiner = HierarchyRefiner(assign=assign, merge_threshold=0.9)
        refiner.calibrate(hierarchy)
        refiner.refine(hierarchy, torch.arange(20))
        assert (hierarchy.labels == 0).all()


def test_auto_threshold_is_the_median_neighbor_cosine():
    hierarchy = random_hierarchy(80, 3, 6, seed=2)
    refiner = HierarchyRefiner(neighbors=(4, 20))
    refiner.calibrate(hierarchy)
    ordered = (hierarchy.bank @ hierarchy.bank.T).sort(dim=1, descending=True).values
    expected = [float(ordered[:, rank].median()) for rank in (4, 20)]
    assert refiner.thresholds == pytest.approx(expected)


def test_peaks_of_two_blobs():
    points = blobs([10, 10], 0.03, dim=8, seed=1)
    peaks = density_peaks((points @ points.T)[None], torch.ones(1, 20, dtype=torch.bool), 2)
    assert sorted(int(p) // 10 for p in peaks[0]) == [0, 1]


def test_isolated_pair_score_rises_with_the_cosine():
    score = isolated_pair_score(torch.linspace(-1, 1, 21, dtype=torch.float64))
    assert (score.diff() > 0).all()
    assert 0 <= score[0] < 0.01
    assert score[-1] > 0.97


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        (dict(assign='near'), "assign='near'"),
        (dict(merge='center'), "merge='center'"),
        (dict(merge_threshold='median'), "merge_threshold='median'"),
        (dict(max_pieces=1), 'max_pieces=1'),
    ],
)
def test_wrong_settings_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        HierarchyRefiner(**wrong)


def test_settings_must_fit_the_levels():
    hierarchy = random_hierarchy(30, 4, 4, seed=0)
    for refiner in (HierarchyRefiner(), HierarchyRefiner(merge_threshold=[0.5, 0.4])):
        with pytest.raises(ValueError, match='set one per level'):
            refiner.calibrate(hierarchy)
