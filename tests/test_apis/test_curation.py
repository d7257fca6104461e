"""Near-duplicates, outliers and balanced subsets: found, written as CSV and linked."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

import mmrcl
from mmrcl.apis import Features
from mmrcl.clustering import FirstNeighborSource, LabelHierarchy, balanced_order

from ..test_clustering.cases import blobs


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline='') as file:
        return list(csv.DictReader(file))


def tree(folder: Path) -> dict[str, str]:
    """What lies below a folder, by path, and where it points to."""
    files = [path for path in sorted(folder.rglob('*')) if not path.is_dir()]
    return {str(path.relative_to(folder)): os.readlink(path) for path in files}


@pytest.fixture
def features(tmp_path: Path) -> Features:
    """Three groups of near-duplicates, of 3, 2 and 4 images, and an image alone."""
    vectors = blobs([3, 2, 4, 1], 0.002, seed=1).float()
    paths = [tmp_path / 'in' / 'ab'[index % 2] / f'{index}.png' for index in range(len(vectors))]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(path.name.encode())
    return Features(vectors, [str(path) for path in paths])


def test_duplicates_are_listed_and_linked(features, tmp_path):
    found = mmrcl.find_duplicates(features, 0.999)
    stands = found.representatives.tolist()
    assert [len(set(stands[part])) for part in map(slice, (0, 3, 5, 9), (3, 5, 9, 10))] == [1] * 4
    assert found.kept.tolist() == sorted(set(stands)) and len(found.kept) == 4
    rows = table(found.save_csv(tmp_path / 'a.csv'))
    assert [row['group'] for row in rows] == [*'1111', *'222', *'33']
    assert [row['kept'] for row in rows] == [*'1000', *'100', *'10']
    unit = normalize(features.vectors, dim=1)
    for row in rows:
        image = int(row['image'])
        assert row['path'] == features.paths[image]
        assert float(row['cosine']) == pytest.approx(float(unit[image] @ unit[stands[image]]))
    assert [row['cosine'] for row in rows[1:4]] == sorted(
        (row['cosine'] for row in rows[1:4]), reverse=True
    )
    links = tree(found.link(tmp_path / 'out'))
    kept = {f'kept/{"ab"[image % 2]}/{image}.png' for image in found.kept.tolist()}
    assert {name for name in links if name.startswith('kept')} == kept
    groups = [name for name in links if name.startswith('groups')]
    assert [links[name] for name in groups] == [row['path'] for row in rows]
    assert [name.split('/')[1] for name in groups] == [f'{int(row["group"]):02}' for row in rows]
    assert (tmp_path / 'out' / groups[0]).read_bytes() == Path(rows[0]['path']).name.encode()


def test_outliers_are_ranked_and_linked(features, tmp_path):
    hierarchy = mmrcl.build_hierarchy(features, FirstNeighborSource(mean_sizes=(2, 5)))
    found = mmrcl.find_outliers(features, 1, hierarchy)
    assert int(found.order[0]) == 9 and int(found.levels[9]) == int(found.levels.max())
    rows = table(found.save_csv(tmp_path / 'a.csv'))
    assert [int(row['image']) for row in rows] == found.order.tolist()
    assert [int(row['rank']) for row in rows] == list(range(1, 11))
    similarity = [float(row['similarity']) for row in rows]
    assert similarity == sorted(similarity)
    assert [int(row['level']) for row in rows] == found.levels[found.order].tolist()
    links = tree(found.link(tmp_path / 'out', count=2))
    assert list(links.values()) == [rows[0]['path'], rows[1]['path']]
    assert list(links)[0] == '1_9.png'
    assert 'level' not in table(mmrcl.find_outliers(features).save_csv(tmp_path / 'b.csv'))[0]


def test_a_subset_is_listed_and_linked_below_its_folders(features, tmp_path):
    labels = torch.tensor([[0, 0, 0, 3, 3, 5, 5, 5, 5, 9], [0] * 5 + [5] * 5])
    hierarchy = LabelHierarchy(3, 8, 10)
    hierarchy.set_labels(labels)
    found = mmrcl.balanced_subset(features, 5, hierarchy, seed=3)
    assert torch.equal(found.images, balanced_order(labels, seed=3)[:5])
    assert set(labels[0][found.images].tolist()) == {0, 3, 5, 9}
    rows = table(found.save_csv(tmp_path / 'a.csv'))
    assert [int(row['image']) for row in rows] == found.images.tolist()
    for row in rows:
        place = int(row['image'])
        assert row['path'] == features.paths[place]
        assert [int(row['level_2']), int(row['level_3'])] == labels[:, place].tolist()
    links = tree(found.link(tmp_path / 'out'))
    assert links == {f'{"ab"[i % 2]}/{i}.png': features.paths[i] for i in found.images.tolist()}


def test_the_nearest_to_the_mean_are_drawn_first():
    features = blobs([20], 0.5, seed=2)
    hierarchy = LabelHierarchy(2, 8, 20)
    hierarchy.set_labels(torch.zeros(1, 20, dtype=torch.long))
    cosine = features @ normalize(features.mean(0), dim=0)
    found = mmrcl.balanced_subset(3 * features.numpy(), 7, hierarchy, select='nearest')
    assert torch.equal(found.images, cosine.argsort(descending=True)[:7])


def test_arrays_have_tables_without_paths_and_no_links(tmp_path):
    vectors = np.tile(np.eye(3, dtype=np.float32), (2, 1))
    for found in (
        mmrcl.find_duplicates(vectors),
        mmrcl.find_outliers(vectors, 1),
        mmrcl.balanced_subset(vectors, 3),
    ):
        rows = table(found.save_csv(tmp_path / 'a.csv'))
        assert {row['path'] for row in rows} == {''}
        with pytest.raises(ValueError, match='files are unknown: pass the Features'):
            found.link(tmp_path / 'out')


def test_links_overwrite_nothing(features, tmp_path):
    found = mmrcl.find_outliers(features, 1)
    (tmp_path / 'out').mkdir()
    found.link(tmp_path / 'out')
    before = tree(tmp_path / 'out')
    for folder in (tmp_path / 'out', features.paths[0]):
        with pytest.raises(FileExistsError, match='is not an empty folder: name a new one'):
            found.link(folder)
    assert tree(tmp_path / 'out') == before and len(before) == 10


def test_a_missing_image_is_named_before_anything_is_written(features, tmp_path):
    found = mmrcl.find_outliers(features, 1)
    Path(features.paths[4]).unlink()
    with pytest.raises(FileNotFoundError, match=r'1 of 10 images are not files, .*4\.png: run'):
        found.link(tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_names_that_differ_in_case_alone_replace_no_image(features, tmp_path, monkeypatch):
    """Where case does not count, the second name finds a link to the first image."""

    def exists(*_) -> None:
        raise FileExistsError('exists')

    monkeypatch.setattr(Path, 'symlink_to', exists)
    with pytest.raises(FileExistsError):
        mmrcl.balanced_subset(features, 10).link(tmp_path / 'out')


def test_images_are_copied_where_links_are_not_allowed(features, tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError('no links')

    monkeypatch.setattr(Path, 'symlink_to', refuse)
    folder = mmrcl.balanced_subset(features, 10).link(tmp_path / 'out')
    copies = [path for path in folder.rglob('*.png') if not path.is_symlink()]
    assert sorted(path.read_bytes() for path in copies) == [b'%d.png' % i for i in range(10)]


def test_paths_may_be_of_pathlib_and_relative(features, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    relative = [Path(path).relative_to(tmp_path) for path in features.paths]
    found = mmrcl.find_outliers(features._replace(paths=relative), 1)
    links = tree(found.link(Path('out'), count=1))
    assert links == {'1_9.png': features.paths[9]}


@pytest.mark.parametrize('size', [0, 11])
def test_says_which_size_is_possible(size, features):
    with pytest.raises(ValueError, match=f'size={size} must be between 1 and the 10 images'):
        mmrcl.balanced_subset(features, size)


def test_says_what_does_not_fit(features):
    other = mmrcl.build_hierarchy(features.vectors[:8], FirstNeighborSource(mean_sizes=(2,)))
    for function in (
        lambda: mmrcl.find_outliers(features, 1, other),
        lambda: mmrcl.balanced_subset(features, 3, other),
    ):
        with pytest.raises(ValueError, match='10 images do not fit a hierarchy of 8'):
            function()
    with pytest.raises(ValueError, match="select='best' is unknown: use 'random' or 'nearest'"):
        mmrcl.balanced_subset(features, 3, select='best')
    with pytest.raises(ValueError, match=r'features\.vectors have 10 rows, but there are 9 images'):
        mmrcl.find_duplicates(features._replace(paths=features.paths[:9]))
