"""tools/analysis/methods_page.py."""

import shutil
import sys
from pathlib import Path

import pytest

from tools.analysis import methods_page

ROOT = Path(__file__).parents[1]
SCORES = 'arm,seed,metric,labels,accuracy\n' + ''.join(
    f'{arm},{seed},{metric},100,{accuracy + seed * accuracy / 50}\n'
    for arm, accuracy in (('byol', 0.5), ('rcl', 0.7))
    for seed in (0, 1)
    for metric in ('knn', 'linear')
)
TRAININGS = 'arm,title,setting,seed,seconds,memory\n' + ''.join(
    f'{arm},{arm.upper()},lr-0.002,{seed},60,700\n' for arm in ('byol', 'rcl') for seed in (0, 1)
)


@pytest.fixture
def copy(tmp_path) -> Path:
    """A copy of the two pages, and results of one of the grids."""
    for name in ('docs/methods.md', 'configs/baselines/README.md'):
        (tmp_path / name).parent.mkdir(parents=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / 'docs/results').mkdir()
    work_dir = tmp_path / 'work_dirs/methods_digits'
    work_dir.mkdir(parents=True)
    (work_dir / 'results.csv').write_text(SCORES)
    (work_dir / 'trainings.csv').write_text(TRAININGS)
    return tmp_path


def fill(copy: Path, monkeypatch, *options: str) -> None:
    monkeypatch.setattr(sys, 'argv', ['methods_page.py', '--root', str(copy), *options])
    methods_page.main()


def test_tables_and_figures_are_filled(copy, monkeypatch):
    fill(copy, monkeypatch, '--work-dir', str(copy / 'work_dirs'))
    page = (copy / 'docs/methods.md').read_text()
    assert '| BYOL | 2 | 50.50 ± 0.71 | 50.50 ± 0.71 | 60 | 700 | lr-0.002 |' in page
    assert '| RCL | 70.70 |' in page
    (missing,) = (line for line in page.splitlines() if line.startswith('Not run yet: InstDisc, '))
    assert missing.endswith(', RCL, clusters of the images.')
    assert 'BYOL' not in missing
    readme = (copy / 'configs/baselines/README.md').read_text().splitlines()
    (byol,) = (line for line in readme if line.startswith('| `byol` |'))
    assert byol.endswith('74.3 (1000) | 50.5, 50.5 | - |')
    assert len({line.count('|') for line in readme if line.startswith('| `')}) == 1


def test_filling_again_from_the_copied_results_changes_nothing(copy, monkeypatch):
    fill(copy, monkeypatch, '--work-dir', str(copy / 'work_dirs'))
    pages = [copy / 'docs/methods.md', copy / 'configs/baselines/README.md']
    before = [page.read_text() for page in pages]
    fill(copy, monkeypatch)
    assert [page.read_text() for page in pages] == before


def test_pages_of_the_repository_are_filled_from_its_results(copy, monkeypatch):
    shutil.rmtree(copy / 'docs/results')
    shutil.copytree(ROOT / 'docs/results', copy / 'docs/results')
    fill(copy, monkeypatch)
    for name in ('docs/methods.md', 'configs/baselines/README.md'):
        assert (copy / name).read_text() == (ROOT / name).read_text()


def test_a_folder_without_results_is_refused_and_nothing_is_written(copy, monkeypatch, tmp_path):
    with pytest.raises(SystemExit, match='has no results of methods_digits'):
        fill(copy, monkeypatch, '--work-dir', str(tmp_path))
    assert not list((copy / 'docs/results').iterdir())


def test_a_page_without_comments_is_refused(copy, monkeypatch):
    (copy / 'docs/methods.md').write_text('# Methods\n')
    with pytest.raises(SystemExit, match='must have <!-- methods_digits --> once'):
        fill(copy, monkeypatch, '--work-dir', str(copy / 'work_dirs'))
