"""Scripts that prepare data: annotation files of label subsets."""

import re
import runpy
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from mmrcl.registry import DATASETS

from .test_launch.test_dataset_files import CLASSES, imagenet, write

SCRIPT = Path(__file__).parents[1] / 'tools/data/imagenet_subset.py'


@pytest.fixture
def subset(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs the script as a command line would."""

    def run(*arguments: object) -> None:
        monkeypatch.setattr(sys, 'argv', [str(SCRIPT), *map(str, arguments)])
        runpy.run_path(str(SCRIPT), run_name='__main__')

    return run


@pytest.fixture(scope='module')
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Training images of 1,000 classes, as many as 10 % of ImageNet's have."""
    root = tmp_path_factory.mktemp('data') / 'imagenet'
    return write(root, *(f'train/{name}/{name}_{i}.JPEG' for name in CLASSES for i in range(13)))


@pytest.fixture
def names(root: Path) -> list[str]:
    """As many file names as the published 1 % has."""
    return sorted(file.name for file in root.glob('train/*/*'))[:12811]


@pytest.mark.parametrize('prefixed', [False, True])
def test_a_published_list(subset, root, names, tmp_path, capsys, prefixed):
    published = tmp_path / '1percent.txt'
    names = names[::-1]
    lines = [f'{name.split("_")[0]}/{name}' if prefixed else name for name in names]
    published.write_text('\n'.join(lines))
    arguments = (root, '--percent', 1, '--list', published, '--overwrite')
    subset(*arguments)
    assert f'{root}/meta/train_1pct.txt: 12,811 images' in capsys.readouterr().out
    dataset = DATASETS.build(imagenet(root, 'train', ann_file='meta/train_1pct.txt'))
    for i in (0, 5000, 12810):
        wnid = names[i].split('_')[0]
        assert dataset.get_data_info(i)['img_path'] == f'{root}/train/{wnid}/{names[i]}'
        assert dataset.get_data_info(i)['gt_label'] == CLASSES.index(wnid)
    with pytest.raises(SystemExit, match='train_1pct.txt exists already: use --overwrite'):
        subset(*arguments[:-1])


def test_a_balanced_draw(subset: Callable[..., None], root: Path):
    drawn = []
    for seed in (0, 1, 0):
        subset(root, '--percent', 20, '--seed', seed, '--overwrite')
        path = root / f'meta/train_20pct_balanced_seed{seed}.txt'
        drawn.append(path.read_text().splitlines())
    first, second, again = drawn
    assert first == again != second
    labels = Counter(int(line.split()[1]) for line in first)
    assert labels == dict.fromkeys(range(1000), 3)
    for line in first[::500]:
        file, label = line.split()
        assert (root / 'train' / file).is_file()
        assert file.startswith(CLASSES[int(label)])


@pytest.mark.parametrize(
    ('change', 'percent', 'sentence'),
    [
        (lambda names: names[:-1], 1, 'has 12,810 lines, and the published 1 % has 12,811'),
        (lambda names: names, 10, 'has 12,811 lines, and the published 10 % has 128,116'),
        (lambda names: [*names[:-1], names[0]], 1, 'n01440764_0.JPEG more than once'),
        (
            lambda names: [*names[:-1], 'n01440764_99.JPEG'],
            1,
            'the first is n01440764/n01440764_99.JPEG',
        ),
        (lambda names: [], 5, 'is empty'),
        (None, 1, 'https://github.com/google-research/simclr/tree/master/imagenet_subsets'),
    ],
)
def test_a_wrong_list_is_refused(subset, root, names, tmp_path, change, percent, sentence):
    published = tmp_path / 'list.txt'
    if change:
        published.write_text('\n'.join(change(names)))
    with pytest.raises(SystemExit, match=re.escape(sentence)):
        subset(root, '--percent', percent, '--list', published, '--overwrite')


def test_an_incomplete_data_set_is_refused(subset: Callable[..., None], tmp_path: Path):
    write(tmp_path, 'train/n01440764/1.JPEG')
    with pytest.raises(SystemExit, match='1 class folders instead .*ILSVRC2012_img_train.tar'):
        subset(tmp_path, '--percent', 1, '--seed', 0)
    assert not (tmp_path / 'meta').exists()
