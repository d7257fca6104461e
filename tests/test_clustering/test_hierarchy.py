import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from mmrcl.clustering import LabelHierarchy, canonical_labels, nesting_conformity
from mmrcl.clustering.quality import summarize_partition

from .cases import blobs, random_hierarchy


@given(st.lists(st.integers(0, 6), min_size=1, max_size=40))
def test_canonical_labels_name_the_first_member(labels):
    named = canonical_labels(torch.tensor(labels)).tolist()
    assert named == [labels.index(label) for label in labels]


def test_unfilled_hierarchy_has_every_image_alone():
    hierarchy = LabelHierarchy(3, 4, 5)
    assert hierarchy.labels_of(torch.tensor([3, 1])).tolist() == [[3, 1]] * 3
    assert not hierarchy.initialized and not hierarchy.clustered
    hierarchy.check()


def test_labels_and_parents():
    hierarchy = LabelHierarchy(3, 4, 6)
    hierarchy.set_labels(torch.tensor([[9, 9, 4, 4, 7, 8], [1, 1, 1, 1, 0, 0]]))
    assert hierarchy.labels.tolist() == [[0, 0, 2, 2, 4, 5], [0, 0, 0, 0, 4, 4]]
    assert hierarchy.initialized and hierarchy.clustered
    fine = hierarchy.level_labels(2)
    parents = hierarchy.labels[1, fine]
    assert torch.equal(parents, hierarchy.level_labels(3))


def test_labels_that_do_not_nest():
    crossing = torch.tensor([[0, 0, 1, 1], [0, 1, 1, 1]])
    hierarchy = LabelHierarchy(3, 4, 4)
    with pytest.raises(ValueError, match='level 3.*split'):
        hierarchy.set_labels(crossing)
    hierarchy.set_labels(crossing, nested=False)
    assert nesting_conformity(crossing) == 0.75


@pytest.mark.parametrize(
    ('level', 'image', 'label'), [(0, 2, -1), (0, 2, 3), (1, 5, 0), (0, 3, 1), (1, 0, 999)]
)
def test_check_finds_a_broken_label(level, image, label):
    hierarchy = LabelHierarchy(3, 4, 6)
    hierarchy.set_labels(torch.tensor([[0, 0, 1, 1, 2, 2], [0, 0, 0, 0, 1, 1]]))
    hierarchy.labels[level, image] = label
    with pytest.raises(ValueError, match='invalid label hierarchy'):
        hierarchy.check()


def test_bank_update_averages_copies_and_keeps_its_momentum():
    hierarchy = LabelHierarchy(2, 2, 3, bank_momentum=0.5)
    hierarchy.set_bank(torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]))
    before = hierarchy.bank.clone()
    new = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    hierarchy.update_bank(torch.tensor([0, 1, 1]), new)
    assert torch.allclose(hierarchy.bank[0], torch.full((2,), 0.5**0.5))
    expected = torch.tensor([0.25, 0.75]) / torch.tensor([0.25, 0.75]).norm()
    assert torch.allclose(hierarchy.bank[1], expected)
    assert torch.equal(hierarchy.bank[2], before[2])


@pytest.mark.parametrize('momentum', [0.0, 0.4])
@pytest.mark.parametrize('seed', range(4))
def test_bank_update_equals_one_image_after_another(seed, momentum):
    generator = torch.Generator().manual_seed(seed)
    hierarchy = LabelHierarchy(2, 6, 9, bank_momentum=momentum).double()
    hierarchy.set_bank(torch.randn(9, 6, generator=generator, dtype=torch.float64))
    indices = torch.randint(9, ((0, 1, 7, 40)[seed],), generator=generator)
    new = torch.randn(len(indices), 6, generator=generator, dtype=torch.float64)
    expected = hierarchy.bank.clone()
    for image in set(indices.tolist()):
        moved = momentum * expected[image] + (1 - momentum) * new[indices == image].mean(0)
        expected[image] = moved / moved.norm()
    hierarchy.update_bank(indices, new)
    assert torch.allclose(hierarchy.bank, expected, rtol=0, atol=1e-13)


def test_half_precision_bank_stays_near_the_full_one():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(12, 8, generator=generator)
    banks = []
    for dtype in ('float32', 'float16'):
        hierarchy = LabelHierarchy(3, 8, 12, bank_momentum=0.3, bank_dtype=dtype)
        hierarchy.set_bank(features)
        for step in range(20):
            drawn = torch.Generator().manual_seed(step)
            new = torch.nn.functional.normalize(torch.randn(5, 8, generator=drawn), dim=1)
            hierarchy.update_bank(torch.randint(12, (5,), generator=drawn), new)
        banks.append(hierarchy.bank.clone())
        before = hierarchy.checksum()
        hierarchy.bank[7, 2] += 0.01
        assert hierarchy.checksum() != before
    assert banks[1].dtype == torch.float16
    assert (banks[0] - banks[1]).abs().max() < 2e-3


def test_state_travels_into_an_unsized_hierarchy():
    source = random_hierarchy(30, 3, 4, seed=1).float()
    owner = nn.ModuleDict(dict(hierarchy=LabelHierarchy(3, 4)))
    owner.load_state_dict({f'hierarchy.{k}': v for k, v in source.state_dict().items()})
    target = owner['hierarchy']
    assert torch.equal(target.labels, source.labels)
    assert torch.equal(target.bank, source.bank)
    assert target.initialized and target.clustered
    assert torch.equal(target.checksum(), source.checksum())


@pytest.mark.parametrize(('levels', 'samples'), [(3, 31), (4, 0)])
def test_state_of_another_data_set_is_refused(levels, samples):
    source = random_hierarchy(30, 3, 4, seed=1).float()
    with pytest.raises(ValueError, match='checkpoint holds a hierarchy of 3 levels over 30'):
        LabelHierarchy(levels, 4, samples).load_state_dict(source.state_dict())


def test_checksum_sees_every_change():
    hierarchy = random_hierarchy(40, 3, 4, seed=0).float()
    before = hierarchy.checksum()
    hierarchy.bank[7, 2] = torch.nextafter(hierarchy.bank[7, 2], torch.tensor(2.0))
    changed = hierarchy.checksum()
    assert before != changed
    hierarchy.labels[:, [0, -1]] = hierarchy.labels[:, [-1, 0]]
    assert hierarchy.checksum() != changed


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match='num_levels=1'):
        LabelHierarchy(1)
    with pytest.raises(ValueError, match='bank_momentum'):
        LabelHierarchy(bank_momentum=1.0)
    with pytest.raises(ValueError, match="bank_dtype='half'"):
        LabelHierarchy(bank_dtype='half')
    hierarchy = LabelHierarchy(3, 4, 5)
    with pytest.raises(ValueError, match='one setting'):
        hierarchy.set_labels(torch.zeros(1, 5, dtype=torch.long))
    with pytest.raises(ValueError, match='feat_dim'):
        hierarchy.set_bank(torch.zeros(5, 8))
    with pytest.raises(ValueError, match='HierarchicalClusteringHook'):
        LabelHierarchy(3, 4).labels_of(torch.tensor([0]))


def test_summary():
    summary = summarize_partition(torch.tensor([5, 5, 5, 1, 2, 2]))
    assert (summary.clusters, summary.largest, summary.singletons) == (3, 3, 1)
    assert summary.mean_size == 2


@given(st.integers(0, 10**6))
def test_conformity_agrees_with_a_count(seed):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(5, (3, 20), generator=generator)
    conform = 0
    for image in range(20):
        fits = True
        for fine, coarse in zip(labels[:-1], labels[1:], strict=True):
            same_cluster = coarse[fine == fine[image]].tolist()
            most = max(same_cluster.count(c) for c in same_cluster)
            fits &= coarse[image] == min(c for c in same_cluster if same_cluster.count(c) == most)
        conform += bool(fits)
    assert nesting_conformity(labels) == pytest.approx(conform / 20)


def test_nested_labels_conform_fully():
    assert nesting_conformity(random_hierarchy(50, 4, 4, seed=3).labels) == 1
    assert len(blobs([3, 4], 0.1)) == 7


def test_isolated_images_leave_their_clusters():
    hierarchy = LabelHierarchy(3, 2, 6)
    hierarchy.set_labels(torch.tensor([[0, 0, 0, 1, 1, 2], [0, 0, 0, 0, 0, 1]]))
    hierarchy.isolate(torch.tensor([True, False, False, False, True, False]))
    assert hierarchy.labels.tolist() == [[0, 1, 1, 3, 4, 5], [0, 1, 1, 1, 4, 5]]


def test_images_are_seen_once_the_bank_has_a_feature():
    hierarchy = LabelHierarchy(2, 4, 5, bank_momentum=0.8, bank_dtype='float16')
    assert not hierarchy.seen.any()
    hierarchy.update_bank(torch.tensor([3, 1, 3]), torch.eye(4)[:3])
    assert hierarchy.seen.tolist() == [False, True, False, True, False]
    assert torch.equal(hierarchy.bank[1].float(), torch.eye(4)[1])
