import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine import fileio
from mmengine.registry import DefaultScope

from mmrcl.datasets import (
    HuggingFaceDataset,
    SampleKey,
    SeededDataset,
    UnreadableImageError,
    read_image,
)

from .stored_images import CROPS, check_same_samples, check_workers, pictures, write_folder

datasets = pytest.importorskip('datasets', reason='pip install datasets')


@pytest.fixture(autouse=True)
def scope(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, 'HF_DATASETS_CACHE', tmp_path / 'cache')
    datasets.disable_progress_bars()
    with DefaultScope.overwrite_default_scope('mmrcl'):
        yield


def table(files: Mapping[str, bytes], **columns: Any) -> Any:
    images = [{'bytes': content, 'path': Path(name).name} for name, content in files.items()]
    return datasets.Dataset.from_dict({'image': images, **columns})


def saved(folder: Path, files: Mapping[str, bytes], **columns: Any) -> Path:
    table(files, **columns).cast_column('image', datasets.Image()).save_to_disk(
        folder / 'saved', num_shards=min(2, len(files)) or 1
    )
    return folder / 'saved'


def described(folder: Path, **settings) -> dict:
    return dict(type='HuggingFaceDataset', data_root=str(folder), **settings)


@settings(max_examples=4, deadline=None)
@given(st.integers(1, 5), st.integers(0, 99))
def test_samples_are_those_of_a_folder_with_the_same_images(count, seed):
    files = pictures(count, seed)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_folder(folder / 'folder', files)
        check_same_samples(
            dict(type='ImageFolder', data_root=str(folder / 'folder')),
            described(saved(folder, files)),
        )


def test_parquet_files_are_read_in_the_order_of_their_names(tmp_path):
    files = pictures(5)
    (tmp_path / 'data').mkdir()
    for name, part in (('b', slice(0, 2)), ('a', slice(2, 5))):
        table(dict(list(files.items())[part])).to_parquet(tmp_path / f'data/{name}.parquet')
    read = HuggingFaceDataset(str(tmp_path), files='data/*.parquet')
    order = [2, 3, 4, 0, 1]
    contents, names = list(files.values()), [Path(name).name for name in files]
    assert [fileio.get(item['img_path']) for item in read] == [contents[i] for i in order]
    assert [item['img_path'].rpartition('/')[2] for item in read] == [names[i] for i in order]
    assert [item['sample_idx'] for item in read] == [0, 1, 2, 3, 4]
    assert 'Source: ' in repr(read)


def test_images_as_bytes_alone_and_as_paths(tmp_path):
    files = pictures(2)
    write_folder(tmp_path / 'folder', files)
    paths = [str(tmp_path / 'folder' / name) for name in files]
    folder = saved(tmp_path, files, raw=list(files.values()), file=paths)
    for column in ('raw', 'file'):
        read = HuggingFaceDataset(str(folder), image_column=column)
        assert [fileio.get(item['img_path']) for item in read] == list(files.values())


@pytest.mark.parametrize('context', ['fork', pytest.param('spawn', marks=pytest.mark.slow)])
def test_workers_read_the_same(tmp_path, context):
    check_workers(described(saved(tmp_path, pictures(7))), context)


def test_labels_and_names_of_classes(tmp_path):
    images = table(pictures(3), label=[1, 0, 1], text=['a', 'b', 'c'], gap=[0, None, 1])
    names = datasets.ClassLabel(names=['cat', 'dog'])
    images.add_column('kind', [0, 1, 1], feature=names).save_to_disk(tmp_path / 'x')
    read = HuggingFaceDataset(str(tmp_path / 'x'), label_column='kind')
    assert read.get_gt_labels().tolist() == [0, 1, 1]
    assert read.metainfo['classes'] == ('cat', 'dog')
    read = HuggingFaceDataset(str(tmp_path / 'x'), label_column='label', classes=['a', 'b'])
    assert read.get_gt_labels().tolist() == [1, 0, 1]
    assert 'gt_label' not in HuggingFaceDataset(str(tmp_path / 'x'))[0]
    for column in ('text', 'gap'):
        with pytest.raises(ValueError, match='is no class number: set label_column'):
            HuggingFaceDataset(str(tmp_path / 'x'), label_column=column)
    with pytest.raises(ValueError, match='labels from 0 to 1, its classes need labels from 0 to 0'):
        HuggingFaceDataset(str(tmp_path / 'x'), label_column='label', classes=['a'])


def test_columns_that_do_not_fit(tmp_path):
    folder = str(saved(tmp_path, pictures(2), label=[0, 1]))
    with pytest.raises(ValueError, match="no column image_column='img': .* one of image, label"):
        HuggingFaceDataset(folder, image_column='img')
    with pytest.raises(ValueError, match="no column label_column='class'"):
        HuggingFaceDataset(folder, label_column='class')
    with pytest.raises(ValueError, match=r"column 'label' of .* not encoded images: set image_col"):
        HuggingFaceDataset(folder, image_column='label')


def test_what_has_no_stable_index_is_refused(tmp_path):
    images = table(pictures(1))
    for given_root in (images.to_iterable_dataset(), images):
        with pytest.raises(ValueError, match='an IterableDataset has no stable index') as caught:
            HuggingFaceDataset(given_root)
        assert '\n' not in str(caught.value)


@pytest.mark.parametrize('name', ['cats', 'hf://datasets/cats'])
@pytest.mark.parametrize('files', ['', '*.parquet'])
def test_a_name_of_the_hub_is_not_downloaded(name, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=f"'{name}' is no local folder, and nothing is downloaded"):
        HuggingFaceDataset(name, files=files)


def test_a_column_with_a_slash_is_refused(tmp_path):
    table(pictures(1)).rename_column('image', 'a/b').save_to_disk(tmp_path / 'x')
    with pytest.raises(ValueError, match="image_column='a/b' has a slash, .* rename it"):
        HuggingFaceDataset(str(tmp_path / 'x'), image_column='a/b')


def test_folders_without_a_data_set(tmp_path):
    with pytest.raises(ValueError, match=r"not a saved Dataset: set data_root to a .*files='\*\.p"):
        HuggingFaceDataset(str(tmp_path))
    with pytest.raises(ValueError, match=r"no file in .* fits files='\*\.parquet': set data_root"):
        HuggingFaceDataset(str(tmp_path), files='*.parquet')
    datasets.DatasetDict(train=table(pictures(1))).save_to_disk(tmp_path / 'splits')
    with pytest.raises(ValueError, match='set data_root to a split in it, train'):
        HuggingFaceDataset(str(tmp_path / 'splits'))
    table(pictures(1)).select([]).save_to_disk(tmp_path / 'empty')
    with pytest.raises(
        ValueError, match=r"empty' cannot be opened .* to whole files that have rows"
    ):
        HuggingFaceDataset(str(tmp_path / 'empty'))
    table(pictures(1)).select([]).to_parquet(tmp_path / 'empty.parquet')
    with pytest.raises(ValueError, match=r"empty\.parquet' cannot be opened"):
        HuggingFaceDataset(str(tmp_path), files='empty.parquet')


def test_damaged_files_are_refused(tmp_path):
    for name in ('state.json', 'dataset_info.json'):
        (tmp_path / name).write_text('{')
    with pytest.raises(ValueError, match=r'cannot be opened \(JSONDecodeError: .*: set data_root'):
        HuggingFaceDataset(str(tmp_path))
    (tmp_path / 'a.parquet').write_bytes(b'PAR1')
    with pytest.raises(ValueError, match=r'a\.parquet.* cannot be opened .*: set data_root'):
        HuggingFaceDataset(str(tmp_path), files='a.parquet')


def test_a_row_that_is_no_image_is_replaced_and_named(tmp_path):
    files = {**pictures(3), '9/a.jpg': b'no image'}
    images = [{'bytes': content, 'path': name} for name, content in files.items()]
    images += [{'bytes': None, 'path': None}, None]
    datasets.Dataset.from_dict({'image': images}).save_to_disk(tmp_path / 'x')
    data = SeededDataset(described(tmp_path / 'x', pipeline=CROPS))
    for image, said in ((3, 'not an image'), (4, 'row 4 has no image'), (5, 'row 5 has no image')):
        [(index, file, reason)] = data[SampleKey(0, 0, image)]['data_samples'].unreadable[:1]
        assert index == image
        assert f'#{image}/image' in file
        assert said in reason
    with pytest.raises(UnreadableImageError, match='is not huggingface://SOURCE#ROW'):
        read_image('huggingface://nothing')


def test_a_missing_library_is_named(tmp_path, monkeypatch):
    folder = str(saved(tmp_path, pictures(1)))
    monkeypatch.setitem(sys.modules, 'datasets', None)
    with pytest.raises(
        ImportError, match='HuggingFaceDataset needs datasets: pip install datasets'
    ):
        HuggingFaceDataset(folder)
