"""Labels are hidden where they must be, and the order of both parts keeps its promises."""

import mmcv
import numpy as np
import pytest

from mmrcl.datasets import Digits, PartlyLabeled, PartlyLabeledSampler, SampleKey, partly_labeled
from mmrcl.registry import DATA_SAMPLERS, DATASETS

PIPELINE = [dict(type='PackInputs')]
DIGITS = dict(type='Digits', split='train', pipeline=PIPELINE)
SHARE = dict(type='BalancedShare', fraction=0.01, dataset=DIGITS)


def build(labeled=SHARE, unlabeled=DIGITS) -> PartlyLabeled:
    return DATASETS.build(dict(type='PartlyLabeled', labeled=labeled, unlabeled=unlabeled))


def sampler(mu: int = 3, seed: int = 0, **parts) -> PartlyLabeledSampler:
    return PartlyLabeledSampler(build(**parts), mu, seed=seed)


def epoch(order: PartlyLabeledSampler, number: int = 0) -> np.ndarray:
    """Groups of one labelled and mu unlabelled images."""
    order.set_epoch(number)
    return np.array(list(order)).reshape(-1, 1 + order.unlabeled_per_labeled)


def test_the_second_part_has_no_labels():
    dataset = build()
    assert (dataset.num_labeled, len(dataset)) == (10, 1452)
    samples = [dataset[index]['data_samples'] for index in (*range(10), *range(10, 60))]
    assert sorted(int(sample.gt_label) for sample in samples[:10]) == list(range(10))
    assert not any('gt_label' in sample for sample in samples[10:])
    assert [dataset.get_data_info(i)['gt_label'] for i in (10, 700)] == [
        Digits('train').get_gt_labels()[i - 10] for i in (10, 700)
    ]


def test_both_parts_may_have_the_same_image():
    seeded = DATASETS.build(
        dict(
            type='SeededDataset',
            dataset=dict(type='PartlyLabeled', labeled=DIGITS, unlabeled=DIGITS),
        )
    )
    first, second = (seeded[SampleKey(0, 0, index)] for index in (5, 1442 + 5))
    assert first['inputs'].equal(second['inputs'])
    assert 'gt_label' in first['data_samples']
    assert 'gt_label' not in second['data_samples']
    assert first['data_samples'].view_key != second['data_samples'].view_key


def test_unlabelled_images_need_no_classes(tmp_path):
    mmcv.imwrite(np.zeros((8, 8), np.uint8), str(tmp_path / 'a.png'))
    dataset = build(unlabeled=dict(type='ImageFolder', data_root=str(tmp_path), pipeline=PIPELINE))
    assert dataset.metainfo['classes'] == tuple('0123456789')


def test_a_class_without_a_label_is_refused():
    with pytest.raises(ValueError, match=r'class 5 \(5\) has no labelled image: raise'):
        build(labeled=dict(DIGITS, indices=5))
    with pytest.raises(ValueError, match='fraction must lie in'):
        build(labeled=dict(SHARE, fraction=0))


def test_a_labelled_part_without_labels_is_refused(tmp_path):
    mmcv.imwrite(np.zeros((8, 8), np.uint8), str(tmp_path / 'a.png'))
    with pytest.raises(ValueError, match='labeled has an image without a label, number 0: set'):
        build(labeled=dict(type='ImageFolder', data_root=str(tmp_path), pipeline=PIPELINE))


@pytest.mark.parametrize('mu', [1, 3, 7])
def test_groups_of_one_labelled_image_and_mu_others(mu):
    order = sampler(mu)
    assert len(order) == 1442 // mu * (1 + mu)
    groups = epoch(order)
    assert groups.shape == (1442 // mu, 1 + mu)
    assert (groups[:, 0] < 10).all()
    unlabeled = groups[:, 1:].ravel()
    assert (unlabeled >= 10).all()
    assert len(set(unlabeled)) == len(unlabeled)


def test_labelled_images_go_on_over_the_epochs():
    order = sampler(mu=100, labeled=dict(SHARE, fraction=0.03))  # 14 groups, 40 labelled images
    seen = np.concatenate([epoch(order, number)[:, 0] for number in range(6)])
    assert sorted(seen[:40]) == sorted(seen[40:80]) == list(range(40))
    assert seen[:40].tolist() != seen[40:80].tolist()


def test_the_order_follows_from_seed_and_epoch():
    first = epoch(sampler(seed=1), 4)
    order = sampler(seed=1)
    list(order)
    assert np.array_equal(first, epoch(order, 4))
    for other in (epoch(order, 5), epoch(sampler(seed=2), 4)):
        assert first[:, 0].tolist() != other[:, 0].tolist()
        assert first[:, 1:].tolist() != other[:, 1:].tolist()


def test_processes_take_the_groups_in_turn(monkeypatch):
    alone = epoch(sampler(), 2)
    shards = []
    for rank in range(4):
        monkeypatch.setattr(partly_labeled, 'get_dist_info', lambda rank=rank: (rank, 4))
        shards.append(epoch(sampler(), 2))
    assert {len(shard) for shard in shards} == {120}
    assert np.array_equal(np.stack(shards, 1).reshape(480, 4), alone[:480])


def test_a_resumable_sampler_wraps_it():
    parts = dict(type='PartlyLabeled', labeled=SHARE, unlabeled=DIGITS)
    dataset = DATASETS.build(dict(type='SeededDataset', dataset=parts))
    wrapped = DATA_SAMPLERS.build(
        dict(
            type='ResumableSampler',
            sampler=dict(type='PartlyLabeledSampler', unlabeled_per_labeled=3),
            dataset=dataset,
            seed=7,
        )
    )
    wrapped.start_at(7, epoch=3, position=8)
    images = [key.image for key in wrapped]
    assert images == epoch(sampler(seed=7), 3).ravel()[8:].tolist()
    assert images != epoch(sampler(seed=7), 0).ravel()[8:].tolist()


def test_an_image_has_new_views_each_time_that_an_epoch_repeats_it():
    parts = dict(type='PartlyLabeled', labeled=SHARE, unlabeled=DIGITS)
    dataset = DATASETS.build(dict(type='SeededDataset', dataset=parts))
    order = dict(type='PartlyLabeledSampler', unlabeled_per_labeled=7)
    wrapped = DATA_SAMPLERS.build(
        dict(type='ResumableSampler', sampler=order, dataset=dataset, seed=7)
    )
    keys = []
    for number in range(3):
        wrapped.start_at(7, number, 0)
        keys += wrapped
    assert len(keys) == 3 * 206 * 8
    assert len(set(keys)) == len(keys)


def test_wrong_settings_are_refused():
    with pytest.raises(ValueError, match='unlabeled_per_labeled=0 must be at least 1'):
        sampler(mu=0)
    with pytest.raises(ValueError, match='takes no Digits: set train_dataloader.dataset=dict'):
        PartlyLabeledSampler(Digits('train'), 3, seed=0)
