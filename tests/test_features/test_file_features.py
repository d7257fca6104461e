"""Features of files: rows of the right images, and a sentence for whatever is wrong with them."""

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import distributed

from mmrcl.features import FileFeatures, file_features
from mmrcl.features.file_names import match_rows

from ..test_engine.children import run_ranks

MODEL = SimpleNamespace(data_preprocessor=SimpleNamespace(device=torch.device('cpu')))
FILES = ['data/photos/cat/1.jpg', 'data/photos/cat/2.jpg', 'data/photos/dog/1.jpg']


class Files:
    """A data set of OpenMMLab's kind, as far as its files go; without files if there are none."""

    def __init__(self, files=FILES, size=None):
        self.files = files
        self.size = size

    def __len__(self):
        return self.size or len(self.files)

    def get_data_info(self, index):
        return {} if self.size else dict(img_path=self.files[index])


def loader(dataset):
    return SimpleNamespace(dataset=dataset)


def features_of(dataset, *args, **kwargs) -> torch.Tensor:
    source = FileFeatures(*args, **kwargs)
    source.check(MODEL, loader(dataset))
    return source(MODEL, loader(dataset))


@pytest.fixture
def path(tmp_path) -> Path:
    """A file of three rows, and its names beside it."""
    np.save(tmp_path / 'a.npy', np.arange(6, dtype='float32').reshape(3, 2))
    (tmp_path / 'a.txt').write_text('\n'.join(FILES) + '\n')
    return tmp_path / 'a.npy'


@pytest.mark.parametrize('kind', ['float16', 'float32', 'float64'])
def test_rows_are_in_the_order_of_the_data_set(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(file_features, '_ROWS', 4)
    table = np.random.default_rng(0).normal(size=(11, 3)).astype(kind)
    np.save(tmp_path / 'a.npy', table)
    save_file({'x': torch.from_numpy(table)}, tmp_path / 'a.safetensors')
    save_file({'x': torch.from_numpy(table), 'y': torch.ones(1)}, tmp_path / 'b.safetensors')
    for file, key in (('a.npy', None), ('a.safetensors', None), ('b.safetensors', 'x')):
        found = features_of(Files(size=11), str(tmp_path / file), key)
        assert found.dtype == torch.float32
        assert torch.equal(found, torch.from_numpy(table).float())


def test_columns_of_fortran_are_rows_all_the_same(tmp_path):
    table = np.asfortranarray(np.arange(12, dtype='float32').reshape(4, 3))
    np.save(tmp_path / 'a.npy', table)
    assert np.array_equal(features_of(Files(size=4), str(tmp_path / 'a.npy')).numpy(), table)


@given(st.permutations(range(9)), st.sampled_from(['', 'elsewhere/', '/a/b/c/']))
def test_rows_go_by_the_last_parts_of_paths(order, root):
    files = [f'photos/{folder}/x/{name}.jpg' for folder in 'abc' for name in range(3)]
    names = [files[index].replace('photos/', root) for index in order]
    rows = match_rows(names, files, 'names')
    for file, row in zip(files, rows, strict=True):
        assert names[row] == file.replace('photos/', root)


@pytest.mark.parametrize('names', ['a.txt', 'names.npy', 'classes.txt', 'marked.txt'])
def test_names_are_lines_or_an_array(names, path):
    order = [2, 0, 1]
    listed = [FILES[index] for index in order]
    (path.parent / 'a.txt').write_text('\n'.join(listed))
    marked = '\n'.join(listed).replace('data/photos/', '')
    (path.parent / 'marked.txt').write_text(marked, encoding='utf-8-sig')
    (path.parent / 'classes.txt').write_text(''.join(f'{name}\tcat\n' for name in listed))
    np.save(path.parent / 'names.npy', np.array(listed))
    found = features_of(Files(), str(path), names=str(path.parent / names))
    table = torch.from_numpy(np.load(path))
    assert torch.equal(found[order], table)


@pytest.mark.parametrize(
    ('names', 'sentence'),
    [
        (
            ['cat/1.jpg', 'cat/2.jpg', 'x/cat/1.jpg'],
            r'two rows for one image, 0 \(cat/1\.jpg\) and 2 \(x/cat/1\.jpg\): keep one',
        ),
        (['cat/1.jpg', 'dog/1.jpg', 'dog/2.jpg'], r'has no row for data/photos/cat/2\.jpg: comp'),
        (['cat/1.jpg', 'cat/2.jpg'], r'has 2 names, but .*a\.npy 3 rows'),
    ],
)
def test_missing_and_doubled_files_are_named(names, sentence, path):
    path.with_suffix('.txt').write_text('\n'.join(names))
    with pytest.raises(ValueError, match=sentence):
        features_of(Files(), str(path), names=str(path.with_suffix('.txt')))


def test_names_are_not_unpickled(path):
    np.save(path.parent / 'names.npy', np.array([FILES, None], dtype=object))
    with pytest.raises(ValueError, match='names.npy cannot be read as names of files'):
        features_of(Files(), str(path), names=str(path.parent / 'names.npy'))


def test_unknown_files_are_named(path):
    path.with_suffix('.txt').write_text('a/1.jpg\na/2.jpg\na/3.jpg')
    with pytest.raises(ValueError, match=r'has rows for a/3\.jpg, which are no training images'):
        features_of(Files(['b/1.jpg', 'b/2.jpg']), str(path), names=str(path.with_suffix('.txt')))


def test_many_names_are_shortened():
    files = [f'{number}.jpg' for number in range(9)]
    with pytest.raises(ValueError, match=r'no row for 2\.jpg, 3\.jpg, 4\.jpg and 4 more'):
        match_rows(files[:2], files, 'names')


def test_images_in_memory_have_no_names(path):
    with pytest.raises(ValueError, match='images of Files are no files.*remove names'):
        features_of(Files(size=3), str(path), names=str(path.with_suffix('.txt')))


@pytest.mark.parametrize(
    ('values', 'sentence'),
    [
        (np.ones((4, 2), 'float32'), 'has 4 rows, but there are 3 training images'),
        (np.ones((3, 2), 'int64'), r'holds torch.int64 of shape \(3, 2\): save floating'),
        (np.ones(3, 'float32'), r'holds torch.float32 of shape \(3,\): save floating'),
        (np.ones((3, 0), 'float32'), r'holds torch.float32 of shape \(3, 0\): save floating'),
        (np.ones((3, 2), '>f4'), 'cannot be read as an array of numbers: .*byte order'),
        (np.array([['a', 'b']] * 3), 'cannot be read as an array of numbers'),
        (np.array([[{}, None]] * 3), 'cannot be read as an array of numbers'),
    ],
)
def test_other_arrays_are_refused(values, sentence, tmp_path):
    np.save(tmp_path / 'a.npy', values)
    with pytest.raises(ValueError, match=rf'a\.npy {sentence}'):
        features_of(Files(), str(tmp_path / 'a.npy'))


@pytest.mark.parametrize(
    ('name', 'content', 'sentence'),
    [
        ('a.npy', b'', 'cannot be read as an array'),
        ('a.npy', b'\x93NUMPY', 'cannot be read as an array'),
        ('a.safetensors', b'none', 'is torn or no file of safetensors'),
        ('a.pt', b'', 'is neither .npy nor .safetensors'),
    ],
)
def test_other_files_are_refused(name, content, sentence, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=sentence):
        features_of(Files(), str(tmp_path / name))


@pytest.mark.parametrize('name', ['a.npy', 'a.safetensors'])
def test_a_file_that_is_not_there_is_named(name, tmp_path):
    with pytest.raises(FileNotFoundError, match=f'{name} does not exist'):
        features_of(Files(), str(tmp_path / name))


def test_a_torn_array_is_refused(path):
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ValueError, match='cannot be read as an array'):
        features_of(Files(), str(path))


@pytest.mark.parametrize(
    ('key', 'sentence'),
    [(None, 'several tensors: set key to one of x, y'), ('z', 'no tensor z: set key to one of x')],
)
def test_a_tensor_of_several_is_chosen_by_key(key, sentence, tmp_path):
    save_file({'x': torch.ones(3, 2), 'y': torch.ones(3, 2)}, tmp_path / 'a.safetensors')
    with pytest.raises(ValueError, match=sentence):
        features_of(Files(), str(tmp_path / 'a.safetensors'), key)


@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_the_first_row_that_is_not_finite_is_named(value, tmp_path, monkeypatch):
    monkeypatch.setattr(file_features, '_ROWS', 3)
    table = np.ones((10, 2), 'float32')
    table[[5, 4, 8], 1] = value
    np.save(tmp_path / 'a.npy', table)
    with pytest.raises(ValueError, match=r'a\.npy has NaN or Inf, the first in row 4: compute'):
        features_of(Files(size=10), str(tmp_path / 'a.npy'))


def test_numbers_too_large_for_float32_are_refused(tmp_path):
    np.save(tmp_path / 'a.npy', np.array([[1.0], [1e39], [1.0]]))
    with pytest.raises(ValueError, match=r'a\.npy has NaN or Inf, the first in row 1'):
        features_of(Files(), str(tmp_path / 'a.npy'))


def check_share(path: str) -> None:
    """Of two ranks, each checks every other block, and both name the first row that is wrong."""
    distributed.init_process_group('gloo')
    file_features._ROWS = 2
    with pytest.raises(ValueError, match='the first in row 3:'):
        FileFeatures(path).check(MODEL, loader(Files(size=10)))
    Path(f'{path}.{os.environ["RANK"]}').touch()


@pytest.mark.slow
def test_ranks_share_the_check(tmp_path):
    table = np.ones((10, 2), 'float32')
    table[[3, 4], 0] = np.nan  # in the blocks of rank 1 and of rank 0
    np.save(tmp_path / 'a.npy', table)
    assert run_ranks(check_share, str(tmp_path / 'a.npy'), ranks=2) == [0, 0]
    assert len(list(tmp_path.glob('a.npy.*'))) == 2
