"""The data set of glyphs, read from a small file."""

import numpy as np
import pytest
from mmengine.registry import DefaultScope

from mmrcl.datasets import Glyphs
from mmrcl.registry import DATASETS

CLASSES = ['A', 'Á', 'a', 'Σ']
HIERARCHY = [[0, 0, 1, 2], [0, 0, 0, 1], [0, 0, 0, 1]]


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    made = {'classes': CLASSES, 'class_hierarchy': np.array(HIERARCHY)}
    for split, count in (('train', 12), ('test', 5)):
        made[f'{split}_images'] = rng.integers(0, 256, (count, 16, 16), dtype=np.uint8)
        made[f'{split}_labels'] = rng.integers(0, 4, count)
    return made


@pytest.fixture
def folder(tmp_path, arrays):
    np.savez(tmp_path / 'glyphs.npz', **arrays)
    return str(tmp_path)


@pytest.mark.parametrize(('split', 'count'), [('train', 12), ('test', 5)])
def test_items_are_the_arrays_of_the_split(folder, arrays, split, count):
    dataset = Glyphs(folder, split)
    assert len(dataset) == count
    for index, item in enumerate(dataset):
        assert np.array_equal(item['img'], arrays[f'{split}_images'][index])
        assert item['img'].dtype == np.uint8
        assert item['gt_label'] == arrays[f'{split}_labels'][index]
        assert item['sample_idx'] == index
    assert f'Split: \t{split}' in repr(dataset)


def test_classes_and_their_hierarchy_are_plain_lists(folder):
    """Checkpoints hold the metainfo, and are read as data."""
    metainfo = Glyphs(folder, indices=3).metainfo
    assert metainfo == {'classes': CLASSES, 'class_hierarchy': HIERARCHY}
    assert type(metainfo['class_hierarchy'][0][0]) is int


def test_a_part_and_a_pipeline(folder, arrays):
    config = dict(type='Glyphs', data_root=folder, indices=3, pipeline=[dict(type='PackInputs')])
    with DefaultScope.overwrite_default_scope('mmrcl'):
        dataset = DATASETS.build(config)
    assert len(dataset) == 3
    packed = dataset[2]
    assert np.array_equal(packed['inputs'][0], arrays['train_images'][2])
    assert packed['data_samples'].sample_idx == 2
    assert packed['data_samples'].gt_label.item() == arrays['train_labels'][2]


def test_what_cannot_be_read_is_refused(tmp_path, folder):
    with pytest.raises(ValueError, match="no split 'val': set split to one of"):
        Glyphs(folder, 'val')
    with pytest.raises(ValueError, match='does not exist: set data_root, or draw it by .python'):
        Glyphs(str(tmp_path / 'elsewhere'))
    np.savez(tmp_path / 'glyphs.npz', classes=CLASSES)
    with pytest.raises(ValueError, match='it has no class_hierarchy. Draw it anew'):
        Glyphs(folder)


@pytest.mark.parametrize('kept', [0, 10, 0.5, 0.99])
def test_a_torn_file_is_named(folder, tmp_path, kept):
    file = tmp_path / 'glyphs.npz'
    content = file.read_bytes()
    file.write_bytes(content[: int(kept * len(content)) if kept < 1 else kept])
    with pytest.raises(ValueError, match=r'glyphs\.npz. cannot be read: .* Draw it anew'):
        Glyphs(folder)


def test_a_changed_byte_is_refused(folder, tmp_path, arrays):
    file = tmp_path / 'glyphs.npz'
    content = bytearray(file.read_bytes())
    content[content.index(arrays['train_images'].tobytes()) + 100] ^= 255
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r'glyphs\.npz. cannot be read: .*CRC'):
        Glyphs(folder)


def test_another_file_of_this_name_is_refused(folder, tmp_path):
    for write in (
        lambda file: file.write(b'no archive'),
        lambda file: np.save(file, np.eye(2)),
    ):
        with (tmp_path / 'glyphs.npz').open('wb') as file:
            write(file)
        with pytest.raises(ValueError, match=r'glyphs\.npz. cannot be read: .* Draw it anew'):
            Glyphs(folder)
