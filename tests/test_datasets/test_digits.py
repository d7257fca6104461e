import numpy as np
import pytest
from mmengine.registry import DefaultScope
from sklearn.datasets import load_digits

from mmrcl.datasets import Digits
from mmrcl.registry import DATASETS

COUNTS = {
    'train': [143, 146, 142, 147, 145, 146, 145, 144, 140, 144],
    'test': [35, 36, 35, 36, 36, 36, 36, 35, 34, 36],
    'all': [178, 182, 177, 183, 181, 182, 181, 179, 174, 180],
}
UPSCALE = dict(type='Resize', scale=(16, 16), interpolation='bicubic')
AUGMENT = [
    dict(type='RandomResizedCrop', scale=16, crop_ratio_range=(0.6, 1.0)),
    dict(type='Rotate', magnitude_range=(0, 15), magnitude_std='inf', prob=1.0, pad_val=0),
]


@pytest.mark.parametrize('split', COUNTS)
def test_each_split_has_the_documented_counts(split):
    labels = Digits(split=split).get_gt_labels()
    assert np.bincount(labels).tolist() == COUNTS[split]


def test_train_and_test_share_no_image_and_make_up_all():
    images = {split: [item['img'].tobytes() for item in Digits(split=split)] for split in COUNTS}
    assert not set(images['train']) & set(images['test'])
    assert sorted(images['train'] + images['test']) == sorted(images['all'])


def test_the_test_split_is_the_last_fifth_of_a_class():
    zeros = [i['img'].tobytes() for i in Digits(split='all') if i['gt_label'] == 0]
    last = [i['img'].tobytes() for i in Digits(split='test') if i['gt_label'] == 0]
    assert last == zeros[-35:]


def test_items_are_the_source_scaled_to_bytes():
    source = load_digits()
    dataset = Digits(split='all')
    for index in (0, 5, 1796):
        item = dataset[index]
        assert item['img'].dtype == np.uint8 and item['img'].shape == (8, 8)
        assert np.array_equal(np.rint(item['img'] / 255 * 16), source.images[index])
        assert item['gt_label'] == source.target[index]
        assert item['sample_idx'] == index
    assert max(item['img'].max() for item in dataset) == 255


def test_classes_and_printed_form():
    dataset = Digits(split='test')
    assert dataset.class_to_idx == {str(digit): digit for digit in range(10)}
    assert 'Split: \ttest' in repr(dataset)


def test_an_unknown_split_is_refused():
    with pytest.raises(ValueError, match="no split 'val': set split to one of"):
        Digits(split='val')


def test_a_scale_does_once_what_a_resize_does_for_each_item():
    with DefaultScope.overwrite_default_scope('mmrcl'):
        each = DATASETS.build(dict(type='Digits', split='test', pipeline=[UPSCALE]))
    for once, resized in zip(Digits(split='test', scale=16), each, strict=True):
        assert once['img'].shape == (16, 16)
        assert np.array_equal(once['img'], resized['img'])
    with pytest.raises(ValueError, match='scale=0 must be at least 1'):
        Digits(scale=0)


def test_two_views_from_a_config():
    pipeline = [
        UPSCALE,
        dict(type='MultiView', num_views=2, transforms=[AUGMENT]),
        dict(type='PackInputs'),
    ]
    with DefaultScope.overwrite_default_scope('mmrcl'):
        dataset = DATASETS.build(dict(type='Digits', split='train', pipeline=pipeline))
    packed = dataset[41]
    first, second = packed['inputs']
    assert first.shape == second.shape == (1, 16, 16)
    assert not first.equal(second)
    assert packed['data_samples'].sample_idx == 41
    assert packed['data_samples'].gt_label.item() == dataset.get_data_info(41)['gt_label']
