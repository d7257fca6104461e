"""Features of a folder, scored and clustered."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torchvision.transforms import functional as F

import mmrcl
from mmrcl.clustering import DBSCANSource, FirstNeighborSource, KMeansSource, LevelWarning
from mmrcl.evaluation import evaluate_representation

from .folders import write_colors, write_digits

PIXELS = mmrcl.wrap_encoder(nn.Flatten(), F.to_tensor)


@pytest.fixture(scope='module')
def digits(tmp_path_factory):
    """Pixels of 300 training and 100 test digits."""
    folder = tmp_path_factory.mktemp('digits')
    parts = [('train', 300), ('test', 100)]
    folders = [write_digits(folder / split, split, count) for split, count in parts]
    return [mmrcl.extract_features(PIXELS, path, class_folders=True) for path in folders]


def test_files_can_be_named_and_workers_change_nothing(tmp_path):
    folder = write_colors(tmp_path / 'a', count=5, side=8)
    files = sorted(folder.iterdir(), reverse=True)
    encoder = mmrcl.wrap_encoder(nn.AdaptiveAvgPool2d(2), F.to_tensor)
    whole = mmrcl.extract_features(encoder, folder, batch_size=1)
    named = mmrcl.extract_features(encoder, files, batch_size=1, num_workers=2)
    assert named.paths == [str(file) for file in files] == whole.paths[::-1]
    assert torch.equal(named.vectors.flip(0), whole.vectors)
    assert whole.vectors.shape == (5, 3) and whole.classes is None  # a map, averaged


def test_an_unreadable_file_is_left_out_and_named(tmp_path):
    folder = write_digits(tmp_path, 'test', 12)
    broken = min(folder.rglob('*.png'))
    broken.write_bytes(b'no image')
    with pytest.warns(
        UserWarning,
        match=re.escape(
            f'1 files cannot be read and are left out: {broken} (UnidentifiedImageError'
        ),
    ):
        found = mmrcl.extract_features(PIXELS, folder, class_folders=True, batch_size=1)
    assert len(found.vectors) == len(found.paths) == len(found.classes) == 11
    for vector, path, name in zip(found.vectors, found.paths, found.classes, strict=True):
        assert path.split('/')[-2] == name
        pixels = F.to_tensor(Image.open(path).convert('RGB')).flatten()
        assert torch.equal(vector, pixels)


@pytest.mark.parametrize('known', [True, False])
def test_saved_features_are_read_back(known, digits, tmp_path):
    features = digits[1] if known else digits[1]._replace(classes=None)
    features.save(tmp_path / 'a.npy')
    found = mmrcl.Features.load(tmp_path / 'a.npy')
    assert torch.equal(found.vectors, features.vectors)
    assert found[1:] == features[1:]


def test_says_what_is_wrong_with_saved_features(digits, tmp_path):
    with pytest.raises(ValueError, match='must end with .npy'):
        digits[1].save(tmp_path / 'a.pt')
    with pytest.raises(ValueError, match=r"'a\\tb.png' has a tab or a line break"):
        mmrcl.Features(torch.ones(1, 2), ['a\tb.png']).save(tmp_path / 'a.npy')
    digits[1].save(tmp_path / 'a.npy')
    (tmp_path / 'a.txt').write_text('a.png\n')
    with pytest.raises(ValueError, match='has 100 rows, but .* 1 lines: save them anew'):
        mmrcl.Features.load(tmp_path / 'a.npy')
    with pytest.raises(FileNotFoundError):
        mmrcl.Features.load(tmp_path / 'b.npy')
    (tmp_path / 'a.txt').unlink()
    with pytest.raises(FileNotFoundError, match=r'a\.txt does not exist, .*: keep both in one'):
        mmrcl.Features.load(tmp_path / 'a.npy')


def test_says_what_is_wrong_with_the_images(tmp_path):
    folder = write_colors(tmp_path / 'colors')
    with pytest.raises(
        ValueError, match=r'0\.png has the shape \(3, 40, 40\), .*1\.png \(3, 40, 41\)'
    ):
        mmrcl.extract_features(PIXELS, folder)
    with pytest.raises(ValueError, match=r'0\.png is not in a class folder'):
        mmrcl.extract_features(PIXELS, folder, class_folders=True)
    with pytest.raises(ValueError, match='needs images to be the parent'):
        mmrcl.extract_features(PIXELS, [folder / '0.png'], class_folders=True)
    with pytest.raises(ValueError, match='nowhere does not exist: pass the folder'):
        mmrcl.extract_features(PIXELS, tmp_path / 'nowhere')
    with pytest.raises(ValueError, match='none of 1 files can be read'):
        mmrcl.extract_features(PIXELS, [tmp_path / 'nothing.png'])


def test_scores_are_those_of_the_evaluation(digits):
    train, test = digits
    labels = [torch.tensor([int(name) for name in part.classes]) for part in digits]
    expected = evaluate_representation(
        train.vectors, labels[0], test.vectors, labels[1], label_shares=[100]
    )
    found = [mmrcl.knn_accuracy(train, test), mmrcl.linear_accuracy(train, test)]
    assert found == [row['accuracy'] for row in expected]
    assert min(found) > 0.7


@pytest.mark.parametrize('score', [mmrcl.knn_accuracy, mmrcl.linear_accuracy])
def test_classes_go_by_name(digits, score):
    """A class that the test images lack shifts no label."""
    train, test = digits
    rows = [row for row, name in enumerate(test.classes) if name > '4']
    late = mmrcl.Features(
        test.vectors[rows],
        [test.paths[row] for row in rows],
        [test.classes[row] for row in rows],
    )
    assert score(train, late) > 0.7
    with pytest.raises(ValueError, match='no training image has class 0, 1, 2'):
        score(late, test)
    with pytest.raises(ValueError, match='classes are unknown'):
        score(train, late._replace(classes=None))
    with pytest.raises(ValueError, match='test.vectors have 10 columns, train.vectors have 192'):
        score(train, late._replace(vectors=late.vectors[:, :10]))


def test_arrays_lists_and_pairs_are_taken(digits, tmp_path):
    """Vectors as arrays or lists, classes as names or numbers, paths of pathlib."""
    train, test = digits
    names = [np.array(part.classes) for part in digits]
    numbers = [torch.tensor([int(name) for name in part.classes]) for part in digits]
    expected = mmrcl.knn_accuracy(train, test), mmrcl.linear_accuracy(train, test)
    for first, second in (names, numbers):
        pairs = (train.vectors.numpy(), first), (test.vectors.tolist(), second)
        assert mmrcl.knn_accuracy(*pairs) == expected[0]
        assert mmrcl.linear_accuracy(*pairs) == expected[1]
    whole = mmrcl.build_hierarchy(test)
    assert torch.equal(mmrcl.build_hierarchy(test.vectors.tolist()).labels, whole.labels)
    for files in ([Path(path) for path in test.paths], np.array(test.paths)):
        page = mmrcl.write_hierarchy_page(tmp_path / 'a.html', whole, files)
        assert page.stat().st_size > 1000
        page = mmrcl.write_hierarchy_page(tmp_path / 'a.html', whole, test._replace(paths=files))
        assert page.stat().st_size > 1000


def test_the_hierarchy_is_that_of_the_library(digits):
    train, _ = digits
    hierarchy = mmrcl.build_hierarchy(train.vectors)
    directions = nn.functional.normalize(train.vectors, dim=1)
    expected = FirstNeighborSource()(directions)
    for level, labels in enumerate(expected, 2):
        together = labels[:, None] == labels
        found = hierarchy.level_labels(level)
        assert torch.equal(together, found[:, None] == found)
    hierarchy.check()
    torch.testing.assert_close(hierarchy.bank, directions)


def test_levels_that_coincide_are_warned_of(digits):
    with pytest.warns(LevelWarning, match='levels 2 and 3 have the same clusters'):
        mmrcl.build_hierarchy(digits[0].vectors, DBSCANSource(eps=[0.4, 0.4]))


@pytest.mark.skipif(sys.version_info < (3, 11), reason='pt_kmeans')
def test_levels_that_do_not_nest_are_allowed(digits):
    hierarchy = mmrcl.build_hierarchy(digits[0].vectors, KMeansSource([60, 20, 7]))
    assert [len(level.unique()) for level in hierarchy.labels] == [60, 20, 7]


def test_the_page_shows_the_images(digits, tmp_path):
    train, test = digits
    hierarchy = mmrcl.build_hierarchy(train.vectors)
    whole = mmrcl.write_hierarchy_page(tmp_path / 'a.html', hierarchy, train, title='Digits')
    part = mmrcl.write_hierarchy_page(
        tmp_path / 'b.html', hierarchy, train._replace(classes=None), images=50
    )
    assert '<title>Digits</title>' in whole.read_text()
    assert part.stat().st_size < whole.stat().st_size
    folder = Path(train.paths[0]).parents[1]
    text = whole.read_text()
    for path in train.paths:
        assert json.dumps(str(Path(path).relative_to(folder))) in text
    with pytest.raises(ValueError, match='100 images do not fit a hierarchy of 300'):
        mmrcl.write_hierarchy_page(tmp_path / 'c.html', hierarchy, test)


def test_the_page_takes_images_of_many_sizes(tmp_path):
    folder = write_colors(tmp_path / 'colors', count=9)
    features = mmrcl.Features(torch.randn(9, 4), sorted(str(path) for path in folder.iterdir()))
    hierarchy = mmrcl.build_hierarchy(features.vectors, DBSCANSource(eps=[0.5, 1.0]))
    assert mmrcl.write_hierarchy_page(tmp_path / 'a.html', hierarchy, features).is_file()


def test_the_page_shows_a_vanished_file_black(tmp_path):
    folder = write_colors(tmp_path / 'colors', count=4)
    features = mmrcl.Features(torch.randn(4, 4), sorted(str(path) for path in folder.iterdir()))
    hierarchy = mmrcl.build_hierarchy(features.vectors, DBSCANSource(eps=[0.5, 1.0]))
    (folder / '2.png').unlink()
    with pytest.warns(UserWarning, match=r'image of the page cannot be read: .*2\.png \(FileNot'):
        assert mmrcl.write_hierarchy_page(tmp_path / 'a.html', hierarchy, features).is_file()


def test_names_at_the_top_are_of_apis():
    assert set(mmrcl.__all__) - {'__version__'} < set(mmrcl.apis.__all__)
    assert all(getattr(mmrcl, name) is not None for name in dir(mmrcl))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = mmrcl.nothing


def test_gray_images_are_read_as_gray(tmp_path):
    """A 16-bit or palette image comes as RGB to a foreign encoder."""
    Image.fromarray(np.full((4, 4), 77, np.uint8)).convert('P').save(tmp_path / 'a.png')
    found = mmrcl.extract_features(PIXELS, [tmp_path / 'a.png'])
    assert found.vectors.shape == (1, 48)
    assert torch.allclose(found.vectors, torch.full((1, 48), 77 / 255))
