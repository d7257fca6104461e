"""Labels of class folders and annotation files, and the names behind them."""

from pathlib import Path

import numpy as np
import pytest
from mmcv import imwrite
from mmengine.registry import DefaultScope

from mmrcl.datasets import (
    CustomDataset,
    ImageNet,
    check_same_classes,
    class_names,
    compare_classes,
)
from mmrcl.errors import ConfigError
from mmrcl.registry import DATASETS

SETS = ('gallery', 'queries')


def write_image(path: Path) -> None:
    imwrite(np.zeros((4, 5, 3), np.uint8), str(path))


def folders(root: Path, *names: str, **settings: object) -> CustomDataset:
    for name in names:
        write_image(root / name / 'a.png')
    return CustomDataset(data_root=str(root), **settings)


def test_what_is_hidden_is_no_class_and_no_image(tmp_path):
    write_image(tmp_path / '.ipynb_checkpoints/x-checkpoint.png')
    write_image(tmp_path / 'one/.ipynb_checkpoints/x-checkpoint.png')
    write_image(tmp_path / 'one/._a.png')
    dataset = folders(tmp_path, 'one', 'two')
    assert class_names(dataset) == ['one', 'two']
    assert dataset.get_gt_labels().tolist() == [0, 1]


@pytest.mark.parametrize('kind', ['CustomDataset', 'ImageNet', 'ImageNet21k'])
def test_configs_build_these_data_sets(tmp_path, kind):
    write_image(tmp_path / '.cache/x.png')
    write_image(tmp_path / 'one/x.png')
    settings = dict(type=kind, data_root=str(tmp_path), classes=['one'])
    with DefaultScope.overwrite_default_scope('mmrcl'):
        dataset = DATASETS.build(settings)
    assert type(dataset).__module__ == 'mmrcl.datasets.class_folders'
    assert len(dataset) == 1


def test_classes_give_two_data_sets_the_same_labels(tmp_path):
    names = ['one', 'two', 'three']
    train = folders(tmp_path / 'train', *names, classes=names)
    test = folders(tmp_path / 'test', 'three', classes=names)
    assert test.get_gt_labels().tolist() == [2]
    assert train.get_gt_labels().tolist() == [0, 2, 1]  # folders in the order of their names
    check_same_classes(train, test, SETS)


def test_other_names_are_those_of_the_sorted_folders(tmp_path):
    dataset = folders(tmp_path, 'n02', 'n01', classes=['tench', 'goldfish'])
    assert dataset.folder_to_idx == dict(n01=0, n02=1)
    assert class_names(dataset) == ['tench', 'goldfish']
    with pytest.raises(ValueError, match='2 class folders, classes has 3 names, without n01, n02'):
        folders(tmp_path, classes=['a', 'b', 'c'])


def test_an_unknown_folder_beside_classes_is_refused(tmp_path):
    with pytest.raises(ValueError, match='without thumbnails: list the names of the folders'):
        folders(tmp_path, 'one', 'thumbnails', classes=['one', 'two'])


def test_no_image_names_the_setting(tmp_path):
    (tmp_path / 'one').mkdir()
    with pytest.raises(ValueError, match='no image in the class folders of .*: set data_root'):
        folders(tmp_path)


@pytest.mark.parametrize(
    ('first', 'second', 'says'),
    [
        (['one', 'two'], ['two'], 'only gallery has one'),
        (['.x', 'a'], ['a', 'b'], 'only gallery has .x; only queries has b'),
        (list('abcdef'), ['a'], 'only gallery has b, c, d and 2 more'),
        (['a', 'b'], ['b', 'a'], 'class 0 is a in gallery and b in queries'),
        (['a', 'a'], ['a'], 'class 1 is a in gallery and None in queries'),
    ],
)
def test_names_that_differ_are_listed_with_the_remedy(first, second, says):
    with pytest.raises(ConfigError) as error:
        compare_classes(first, second, SETS)
    assert says in str(error.value)
    assert 'set classes=[...] of both data sets to one list' in str(error.value)


def test_equal_and_unknown_names_pass():
    compare_classes(['a', 'b'], ('a', 'b'), SETS)
    compare_classes(None, ['a'], SETS)


def test_an_empty_class_folder_shifts_nothing_silently(tmp_path):
    (tmp_path / 'train/aaa_empty').mkdir(parents=True)
    train, test = (folders(tmp_path / name, 'one', 'two') for name in ('train', 'test'))
    with pytest.raises(ConfigError, match='only gallery has aaa_empty'):
        check_same_classes(train, test, SETS)


def listed(root: Path, text: str, **settings: object) -> CustomDataset:
    (root / 'list.txt').write_text(text)
    return CustomDataset(data_root=str(root), ann_file='list.txt', **settings)


def test_the_labels_of_a_list_are_compared_with_the_folders(tmp_path):
    names = ['one', 'two', 'six']
    images = folders(tmp_path / 'val', *names)
    right = listed(tmp_path, 'two/1.png 2\nsix/1.png 1\n')
    assert right.folder_to_idx == dict(two=2, six=1)
    check_same_classes(right, images, SETS)
    with pytest.raises(ConfigError, match='two is class 1 in gallery and 2 in queries'):
        check_same_classes(listed(tmp_path, 'two/1.png 1\n'), images, SETS)
    with pytest.raises(ConfigError, match='class 0 is zoo in gallery and one in queries'):
        check_same_classes(listed(tmp_path, 'zoo/1.png 0\n'), images, SETS)


def test_folders_of_several_labels_are_no_classes(tmp_path):
    assert listed(tmp_path, 'train/1.png 0\ntrain/2.png 1\n').folder_to_idx == {}
    assert listed(tmp_path, '1.png 0\n').folder_to_idx == {}


def test_labels_of_a_list_beyond_its_classes_are_refused(tmp_path):
    with pytest.raises(ValueError, match='labels from 0 to 2, its classes need labels from 0 to 1'):
        listed(tmp_path, 'a.png 0\nb.png 2\n', classes=['a', 'b'])
    with pytest.raises(ValueError, match='labels from -1 to 0, its classes need labels of 0 or'):
        listed(tmp_path, 'a.png 0\nb.png -1\n')


def test_imagenet_splits_of_other_folders_differ(tmp_path):
    classes = ['tench', 'goldfish']
    for split, names in (('train', ('n01', 'n02')), ('val', ('n01', 'n03'))):
        for name in names:
            write_image(tmp_path / split / name / 'a.png')
    sets = [ImageNet(str(tmp_path), split=split, classes=classes) for split in ('train', 'val')]
    with pytest.raises(ConfigError, match='class 1 is n02 in gallery and n03 in queries'):
        check_same_classes(*sets, SETS)
