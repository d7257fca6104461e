import json
import os
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine import fileio
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope

from mmrcl.datasets import (
    SampleKey,
    SeededDataset,
    TarShards,
    UnreadableImageError,
    read_image,
    tar_index,
)

from .stored_images import (
    CROPS,
    check_same_samples,
    check_workers,
    pictures,
    write_folder,
    write_shard,
    write_shards,
)


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmrcl'):
        yield


def described(folder: Path, **settings) -> dict:
    return dict(type='TarShards', data_root=str(folder), **settings)


def names(data: TarShards) -> list[str]:
    return [item['img_path'].split('.tar@')[1].partition('/')[2] for item in data]


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 7), st.lists(st.integers(0, 7), max_size=3), st.integers(0, 99))
def test_samples_are_those_of_a_folder_with_the_same_images(count, ends, seed):
    files = pictures(count, seed)
    with tempfile.TemporaryDirectory() as temporary:
        folder, shards = Path(temporary) / 'folder', Path(temporary) / 'shards'
        write_folder(folder, files)
        write_shards(shards, files, [min(end, count) for end in ends])
        for _ in range(2):  # as the index is made, and as it is read
            check_same_samples(dict(type='ImageFolder', data_root=str(folder)), described(shards))


def test_members_are_the_files_byte_by_byte(tmp_path):
    files = pictures(5)
    write_shards(tmp_path, files, [2])
    data = TarShards(str(tmp_path))
    assert [fileio.get(item['img_path']) for item in data] == list(files.values())
    assert names(data) == list(files)
    assert [item['sample_idx'] for item in data] == list(range(5))
    assert read_image(data[1]['img_path']).mode == 'RGB'


@pytest.mark.parametrize('context', ['fork', pytest.param('spawn', marks=pytest.mark.slow)])
def test_workers_read_the_same(tmp_path, context):
    write_shards(tmp_path, pictures(7), [3])
    check_workers(described(tmp_path), context)


def test_long_and_strange_names(tmp_path):
    files = {f'{"deep/" * 40}ä@1+2 \udcff.jpg': pictures(1)['0/00.jpg']}
    write_shard(tmp_path / 'a@3+4.tar', list(files.items()))
    data = TarShards(str(tmp_path))
    assert [fileio.get(item['img_path']) for item in data] == list(files.values())
    assert names(data) == list(files)


def test_only_images_of_samples_are_read(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(MMLogger, 'warning', lambda _, message: said.append(message))
    image = pictures(1)['0/00.jpg']
    members = [
        './a.JPG',
        'a.seg.png',
        'a.txt',
        '._a.jpg',
        '.hidden/b.jpg',
        'c.d/e.jpeg',
        'f.v2.jpg',
    ]
    write_shard(tmp_path / 'x.tar', [(name, image) for name in members])
    with tarfile.open(tmp_path / 'x.tar', 'a') as archive:
        folder = tarfile.TarInfo('g.jpg')
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    assert names(TarShards(str(tmp_path))) == ['a.JPG', 'c.d/e.jpeg']
    assert "2 members such as 'a.seg.png' are not read" in said[0]
    assert "add '.seg.png' to extensions" in said[0]
    indexed = TarShards(str(tmp_path), extensions=('.v2.jpg',), index_folder=str(other(tmp_path)))
    assert names(indexed) == ['f.v2.jpg']


def other(folder: Path) -> Path:
    (folder / 'other').mkdir()
    return folder / 'other'


def labelled(folder: Path) -> None:
    image = pictures(1)['0/00.jpg']
    members = [('a.cls', b'2\n'), ('a.jpg', image), ('a.json', json.dumps({'breed': 7}).encode())]
    members += [('b.jpg', image), ('b.cls', b'0'), ('b.json', json.dumps({'breed': 1}).encode())]
    write_shard(folder / 'train-0.tar', members)


def test_labels_of_members(tmp_path):
    labelled(tmp_path)
    read = TarShards(str(tmp_path), label='cls', classes=['x', 'y', 'z'])
    assert read.get_gt_labels().tolist() == [2, 0]
    read = TarShards(str(tmp_path), 'train-*.tar', label='json', label_key='breed')
    assert read.get_gt_labels().tolist() == [7, 1]
    assert all('gt_label' not in item for item in TarShards(str(tmp_path)))
    assert sorted(path.name for path in tmp_path.glob('*.npz')) == [
        '_.tar-cls.index.npz',
        '_.tar.index.npz',
        'train-_.tar-json-breed.index.npz',
    ]
    with pytest.raises(ValueError, match='labels from 0 to 2, its classes need labels from 0 to 1'):
        TarShards(str(tmp_path), label='cls', classes=['x', 'y'])
    with pytest.raises(
        ValueError, match=r"'a\.json' .* no class number at 'label' .*set label and"
    ):
        TarShards(str(tmp_path), label='json')
    with pytest.raises(ValueError, match="no label='txt': set label to one of"):
        TarShards(str(tmp_path), label='txt')
    write_shard(tmp_path / 'val-0.tar', [('a.jpg', b''), ('a.cls', b'cat')])
    with pytest.raises(ValueError, match=r"'a\.cls' .* has no class number \(ValueError"):
        TarShards(str(tmp_path), 'val-*.tar', label='cls')
    write_shard(tmp_path / 'test-0.tar', [('a.jpg', b'')])
    with pytest.raises(ValueError, match=r"'a\.jpg' in .* has no label beside it: set label"):
        TarShards(str(tmp_path), 'test-*.tar', label='cls')


@pytest.mark.parametrize('mode', ['w:gz', 'w:bz2', 'w:xz'])
def test_compressed_shards_are_refused(tmp_path, mode):
    write_shard(tmp_path / 'a.tar', list(pictures(1).items()), mode)
    with pytest.raises(ValueError, match=r"a\.tar' is compressed, so .*: decompress the shards"):
        TarShards(str(tmp_path))
    assert os.listdir(tmp_path) == ['a.tar']


def test_damaged_shards_are_refused(tmp_path):
    shard = tmp_path / 'a.tar'
    write_shard(shard, list(pictures(3).items()))
    whole = shard.read_bytes()
    shard.write_bytes(whole[:700])
    with pytest.raises(ValueError, match=r"a\.tar' is truncated, its size is no multiple of 512"):
        TarShards(str(tmp_path))
    shard.write_bytes(whole[:1024])
    with pytest.raises(ValueError, match=r"a\.tar' cannot be read: unexpected end of data"):
        TarShards(str(tmp_path))
    shard.write_bytes(b'')
    with pytest.raises(ValueError, match=r"a\.tar' cannot be read: empty file"):
        TarShards(str(tmp_path))
    shard.write_bytes(b'no archive'.ljust(1024))
    with pytest.raises(ValueError, match=r"a\.tar' cannot be read: "):
        TarShards(str(tmp_path))
    assert os.listdir(tmp_path) == ['a.tar']


def test_doubled_and_linked_images_are_refused(tmp_path):
    write_shard(tmp_path / 'a.tar', [('x.jpg', b'1'), ('y.jpg', b'2'), ('x.jpg', b'3')])
    with pytest.raises(ValueError, match=r"a\.tar' has 'x\.jpg' twice: write the shard anew"):
        TarShards(str(tmp_path))
    write_shard(tmp_path / 'a.tar', [('x.jpg', b'1'), ('x.png', b'2')])
    with pytest.raises(ValueError, match=r"two images, 'x\.jpg' and 'x\.png': set extensions"):
        TarShards(str(tmp_path))
    with tarfile.open(tmp_path / 'a.tar', 'w') as archive:
        link = tarfile.TarInfo('x.jpg')
        link.type, link.linkname = tarfile.SYMTYPE, 'y.jpg'
        archive.addfile(link)
    with pytest.raises(ValueError, match=r"'x\.jpg' in .* is a link or a sparse file: pack copies"):
        TarShards(str(tmp_path))


def test_missing_and_streamed_shards_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no file in .* fits shards='\*\.tar': set data_root"):
        TarShards(str(tmp_path))
    write_shard(tmp_path / 'a.tar', [('x.txt', b'1')])
    with pytest.raises(ValueError, match=r'no image in .* with a suffix of \.jpg.*set extensions'):
        TarShards(str(tmp_path))
    for root, shards in (('s3://bucket', '*.tar'), (str(tmp_path), 'pipe:cat a.tar')):
        with pytest.raises(ValueError, match='streamed images have no stable index: copy the sha'):
            TarShards(root, shards)


def test_an_index_of_other_shards_is_refused(tmp_path):
    files = pictures(4)
    write_shards(tmp_path, files, [2])
    assert len(TarShards(str(tmp_path))) == 4
    first = tmp_path / '000.tar'
    time = first.stat().st_mtime_ns
    os.utime(first, ns=(time, time + 1))
    with pytest.raises(ValueError, match=r'000\.tar has another time of change\. Set data_root'):
        TarShards(str(tmp_path))
    os.utime(first, ns=(time, time))
    assert len(TarShards(str(tmp_path))) == 4
    write_shard(tmp_path / '002.tar', [])
    with pytest.raises(ValueError, match=r'of other shards: 002\.tar is new'):
        TarShards(str(tmp_path))
    (tmp_path / '002.tar').unlink()
    first.rename(tmp_path / 'elsewhere')
    with pytest.raises(ValueError, match=r'of other shards: 000\.tar is missing'):
        TarShards(str(tmp_path))
    (tmp_path / 'elsewhere').rename(first)
    with pytest.raises(ValueError, match=r"extensions was .* and is \['\.png'\]"):
        TarShards(str(tmp_path), extensions=('.png',))
    (tmp_path / '_.tar.index.npz').write_bytes(b'PK')
    with pytest.raises(ValueError, match='cannot be read .*: remove it, and it is made anew'):
        TarShards(str(tmp_path))


def test_a_folder_without_place_for_the_index(tmp_path):
    write_shards(tmp_path, pictures(2), [])
    with pytest.raises(ValueError, match='cannot be written .*: set index_folder to a folder'):
        TarShards(str(tmp_path), index_folder=str(tmp_path / 'missing'))
    assert len(TarShards(str(tmp_path), index_folder=str(other(tmp_path)))) == 2
    assert [path.name for path in tmp_path.glob('*/*')] == ['_.tar.index.npz']


def test_a_member_that_is_no_image_is_replaced_and_named(tmp_path):
    files = {**pictures(3), '9/a.jpg': b'no image', '9/b.jpg': b''}
    write_shards(tmp_path, files, [])
    data = SeededDataset(described(tmp_path, pipeline=CROPS))
    for image in (3, 4):
        [(index, file, reason)] = data[SampleKey(0, 0, image)]['data_samples'].unreadable[:1]
        assert index == image
        assert file.startswith('tar://') and file.endswith(list(files)[image])
        assert 'not an image' in reason


def test_a_shard_that_goes_or_shrinks_is_unreadable(tmp_path):
    write_shards(tmp_path, pictures(1), [])
    file = TarShards(str(tmp_path))[0]['img_path']
    os.truncate(tmp_path / '000.tar', 600)
    with pytest.raises(UnreadableImageError, match='ends before the member'):
        read_image(file)
    (tmp_path / '000.tar').unlink()
    with pytest.raises(UnreadableImageError, match='No such file'):
        read_image(file)
    with pytest.raises(UnreadableImageError, match='is not tar://SHARD@OFFSET'):
        read_image('tar://nothing')


def test_parts_keep_their_images(tmp_path):
    write_shards(tmp_path, pictures(6), [2, 2])
    whole = names(TarShards(str(tmp_path)))
    assert names(TarShards(str(tmp_path), indices=[4, 1])) == [whole[4], whole[1]]
    assert names(TarShards(str(tmp_path)).get_subset(3)) == whole[:3]
    assert 'Shards: ' in repr(TarShards(str(tmp_path)))


def test_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    write_shards(tmp_path / 'shards', pictures(1), [])
    assert np.array(read_image(TarShards('~/shards')[0]['img_path'])).ndim == 3


def test_order_is_that_of_shards_and_members(tmp_path):
    for shard in ('b', 'a'):
        write_shard(tmp_path / f'{shard}.tar', [(f'{shard}{n}.jpg', b'1') for n in (2, 1)])
    assert names(TarShards(str(tmp_path))) == ['a2.jpg', 'a1.jpg', 'b2.jpg', 'b1.jpg']


@pytest.mark.parametrize('main', [True, False])
def test_other_ranks_wait_for_the_index_of_the_main_one(tmp_path, monkeypatch, main):
    done = []
    monkeypatch.setattr(tar_index, 'is_main_process', lambda: main)
    monkeypatch.setattr(tar_index, 'barrier', lambda: done.append('barrier'))
    monkeypatch.setattr(tar_index, '_write', lambda *_: done.append('write') or 1 / 0)
    write_shards(tmp_path, pictures(1), [])
    with pytest.raises(ZeroDivisionError):  # The others go on if the main one fails.
        TarShards(str(tmp_path))
    assert done == (['write', 'barrier'] if main else ['barrier', 'write'])
