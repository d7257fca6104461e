"""Images in LMDB, which mmengine's own backend reads by their keys."""

from pathlib import Path

import pytest
from mmengine.registry import DefaultScope

from mmrcl.datasets import SampleKey, SeededDataset

from .stored_images import CROPS, check_same, pictures, write_folder

lmdb = pytest.importorskip('lmdb', reason='pip install lmdb')


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmrcl'):
        yield


def write(folder: Path, files: dict[str, bytes]) -> None:
    with (
        lmdb.open(str(folder / 'images.lmdb'), map_size=2**24) as store,
        store.begin(write=True) as put,
    ):
        for name, content in files.items():
            put.put(name.encode(), content)
    (folder / 'keys.txt').write_text(''.join(f'{name}\n' for name in files))


def of_keys(folder: Path) -> dict:
    backend = dict(backend='lmdb', db_path=str(folder / 'images.lmdb'))
    pipeline = [dict(CROPS[0], backend_args=backend), CROPS[1]]
    keys = str(folder / 'keys.txt')
    return dict(type='CustomDataset', ann_file=keys, with_label=False, pipeline=pipeline)


def test_samples_are_those_of_a_folder_with_the_same_images(tmp_path):
    files = pictures(5)
    write(tmp_path, files)
    write_folder(tmp_path / 'folder', files)
    plain = dict(type='ImageFolder', data_root=str(tmp_path / 'folder'), pipeline=CROPS)
    one, other = SeededDataset(of_keys(tmp_path)), SeededDataset(plain)
    assert len(one) == len(other) == 5
    for image in range(5):
        check_same(one[SampleKey(0, 2, image)], other[SampleKey(0, 2, image)])


def test_a_missing_key_is_replaced_and_named(tmp_path):
    write(tmp_path, pictures(3))
    with open(tmp_path / 'keys.txt', 'a') as keys:
        keys.write('missing.jpg\n')
    sample = SeededDataset(of_keys(tmp_path))[SampleKey(0, 0, 3)]['data_samples']
    assert sample.unreadable[0][:2] == (3, 'missing.jpg')
