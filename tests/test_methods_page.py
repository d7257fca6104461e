"""tools/analysis/methods_page.py."""

import csv
import shutil
import sys
from pathlib import Path

import pytest
from mmengine.config import Config

from mmrcl.ablations import read_grid
from tools.analysis import methods_page

ROOT = Path(__file__).parents[1]
SCORES = 'arm,seed,metric,labels,accuracy\n' + ''.join(
    f'{arm},{seed},{metric},{share},{accuracy + seed * accuracy / 50}\n'
    for arm, accuracy in (('byol', 0.5), ('rcl', 0.7))
    for seed in (0, 1)
    for metric in ('knn', 'linear')
    for share in (1, 10, 100)
)
TRAININGS = 'arm,title,setting,seed,seconds,memory\n' + ''.join(
    f'{arm},{arm.upper()},lr-0.006,{seed},60,700\n' for arm in ('byol', 'rcl') for seed in (0, 1)
)


@pytest.fixture
def copy(tmp_path) -> Path:
    """A copy of the files that are filled, and results of one of the grids."""
    for name in methods_page.FILLED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ('results', 'images'):
        (tmp_path / 'docs' / name).mkdir()
    work_dir = tmp_path / 'work_dirs/methods_digits'
    work_dir.mkdir(parents=True)
    (work_dir / 'results.csv').write_text(SCORES)
    (work_dir / 'trainings.csv').write_text(TRAININGS)
    (work_dir / 'results.png').write_bytes(b'a figure')
    return tmp_path


def fill(copy: Path, monkeypatch, *options: str) -> None:
    monkeypatch.setattr(sys, 'argv', ['methods_page.py', '--root', str(copy), *options])
    methods_page.main()


def test_tables_and_figures_are_filled(copy, monkeypatch):
    fill(copy, monkeypatch, '--work-dir', str(copy / 'work_dirs'))
    page = (copy / 'docs/methods.md').read_text()
    assert f'| BYOL | 2 |{" 50.50 ± 0.71 |" * 6} 60 | 700 | lr-0.006 |' in page
    assert '| RCL | 70.70 |' in page
    (missing,) = (line for line in page.splitlines() if line.startswith('Not run yet: InstDisc; '))
    assert missing.endswith('; RCL, clusters of the images.')
    assert 'BYOL' not in missing
    readme = (copy / 'configs/baselines/README.md').read_text().splitlines()
    (byol,) = (line for line in readme if line.startswith('| `byol` |'))
    assert byol.endswith('74.3 (1000) | 50.5, 50.5 | - |')
    assert len({line.count('|') for line in readme if line.startswith('| `')}) == 1
    metafile = Config.fromfile(copy / 'configs/baselines/metafile.yml')
    (model,) = (each for each in metafile.Models if each.Name.startswith('byol_resnet18'))
    assert set(model.Results[0].Metrics.values()) == {50.5}
    assert (copy / 'docs/images/methods_digits.png').read_bytes() == b'a figure'


def test_epochs_have_a_table_without_an_order(copy, monkeypatch):
    work_dirs = copy / 'work_dirs'
    (work_dirs / 'methods_digits').rename(work_dirs / 'fig5a-methods_fashion-mnist')
    fill(copy, monkeypatch, '--work-dir', str(work_dirs))
    _, section = (
        (copy / 'docs/methods.md').read_text().split('<!-- fig5a-methods_fashion-mnist -->')
    )
    assert '| BYOL | 2 | 50.50 ± 0.71 |' in section
    assert 'ahead of' not in section


def test_filling_again_from_the_copied_results_changes_nothing(copy, monkeypatch):
    fill(copy, monkeypatch, '--work-dir', str(copy / 'work_dirs'))
    pages = [copy / name for name in methods_page.FILLED]
    before = [page.read_text() for page in pages]
    fill(copy, monkeypatch)
    assert [page.read_text() for page in pages] == before


def test_pages_of_the_repository_are_filled_from_its_results(copy, monkeypatch):
    shutil.rmtree(copy / 'docs/results')
    shutil.copytree(ROOT / 'docs/results', copy / 'docs/results')
    fill(copy, monkeypatch)
    for name in methods_page.FILLED:
        assert (copy / name).read_text() == (ROOT / name).read_text()


def test_models_with_figures_of_ours_have_all_six_and_are_arms():
    metafile = Config.fromfile(ROOT / 'configs/baselines/metafile.yml')
    found = {
        Path(model.Config).name: [key for key in model.Results[0].Metrics if key.endswith('(ours)')]
        for model in metafile.Models
        if 'Results' in model and '(ours)' in str(model.Results)
    }
    arms = read_grid(ROOT / 'configs/ablations/methods_digits.py').arms
    assert found.keys() <= {arm.config.name for arm in arms}
    assert {len(keys) for keys in found.values()} == {6}


def test_a_folder_without_results_is_refused_and_nothing_is_written(copy, monkeypatch, tmp_path):
    with pytest.raises(SystemExit, match='has no results of methods_digits'):
        fill(copy, monkeypatch, '--work-dir', str(tmp_path))
    assert not list((copy / 'docs/results').iterdir())


def test_a_page_without_comments_is_refused(copy, monkeypatch):
    (copy / 'docs/methods.md').write_text('# Methods\n')
    with pytest.raises(SystemExit, match='must have <!-- methods_digits --> once'):
        fill(copy, monkeypatch, '--work-dir', str(copy / 'work_dirs'))


def rates_chosen(grid: str) -> dict[str, float]:
    with (ROOT / f'docs/results/{grid}_search.csv').open() as file:
        rows = list(csv.DictReader(file))
    return {row['arm']: float(row['setting'][3:]) for row in rows if row['chosen'] == '1'}


def test_digits_configs_have_the_rates_that_the_search_chose():
    chosen = rates_chosen('methods_digits')
    arms = {arm.name: arm for arm in read_grid(ROOT / 'configs/ablations/methods_digits.py').arms}
    assert chosen.keys() == arms.keys()
    # Configs of the algorithm RCL are also those of other pages, with 2e-3.
    others = {'instance-discrimination', 'nnclr-positive', 'rcl', 'rcl-images'}
    for name in chosen.keys() - others:
        config = Config.fromfile(arms[name].config)
        assert config.optim_wrapper.optimizer.lr == chosen[name], name


def test_arms_of_all_epochs_have_the_rates_that_the_search_chose():
    chosen = rates_chosen('methods_fashion-mnist')
    for arm in read_grid(ROOT / 'configs/ablations/fig5a-methods_fashion-mnist.py').arms:
        method = arm.name.rpartition('-')[0]
        assert arm.options['optim_wrapper.optimizer.lr'] == chosen[method], arm.name
