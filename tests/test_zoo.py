"""The zoo's pages and index list what is there, and the check notices what is wrong with them."""

import shutil
import subprocess
import sys
from pathlib import Path

import modelindex
import pytest
from mmengine.config import Config
from mmengine.hub import get_config, get_model

from mmrcl.launch import read_config
from mmrcl.zoo import mim_folder

ROOT = Path(__file__).parents[1]
RCL = 'rcl_resnet18_1xb128-coslr-30e_digits'


def check(*arguments: object) -> tuple[int, list[str]]:
    command = [sys.executable, ROOT / 'tools/analysis/check_zoo.py', *arguments]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60)
    assert not done.stderr
    return done.returncode, done.stdout.splitlines()


def test_the_zoo_is_complete():
    assert check() == (0, [])


def test_modelindex_loads_every_model():
    index = modelindex.load(str(ROOT / 'model-index.yml'))
    assert index.check(silent=True) == []
    configs = {str(path.relative_to(ROOT)) for path in (ROOT / 'configs').rglob('*_*.py')}
    grids_and_bases = {name for name in configs if '_base_' in name or 'ablations' in name}
    assert {model.config for model in index.models} == configs - grids_and_bases
    (model,) = (each for each in index.models if each.name == 'rcl_resnet50_8xb512-coslr-800e_in1k')
    assert model.results[0].metrics['Linear Evaluation Top 1 Accuracy (paper)'] == 75.8
    assert model.full_model.paper['Title'].startswith('Relative Contrastive Loss')


METAFILE = 'configs/rcl/metafile.yml'
NEW = 'new_resnet18_1xb2-1e_digits.py'
REMOVED, ADDED = None, ()
# A file, what happens to it, (old, new) being an edit, and what the check says of it.
BREAKS = {
    'a config is gone': (
        f'configs/rcl/{RCL}.py',
        REMOVED,
        [
            f'configs/rcl/README.md lists {RCL}.py, which does not exist',
            f'{METAFILE} lists configs/rcl/{RCL}.py, which does not exist',
        ],
    ),
    'a config is new': (
        f'configs/baselines/{NEW}',
        ADDED,
        [
            f'configs/baselines/README.md does not list {NEW}',
            f'configs/baselines/metafile.yml does not list configs/baselines/{NEW}',
        ],
    ),
    'a grid is new': (
        'configs/ablations/new.py',
        ADDED,
        ['configs/ablations/README.md does not list new.py'],
    ),
    'a page is gone': (
        'configs/ablations/README.md',
        REMOVED,
        ['configs/ablations/README.md is missing'],
    ),
    'a metafile is not imported': (
        'model-index.yml',
        ('  - configs/benchmarks/linear/metafile.yml\n', ''),
        ['configs/benchmarks/linear/metafile.yml does not list '],
    ),
    'a metafile is gone': (
        METAFILE,
        REMOVED,
        ["metafile.yml' does not exist", f'{METAFILE} does not list configs/rcl/{RCL}.py'],
    ),
    'a name is not that of the file': (
        METAFILE,
        (f'Name: {RCL}', 'Name: rcl_1xb128-30e_digits'),
        ['rcl_1xb128-30e_digits must have the name of its config file, configs/rcl/'],
    ),
    'a name stands twice': (
        METAFILE,
        ('Name: rcl-images_resnet18_1xb128', 'Name: rcl_resnet18_1xb128'),
        [f'{RCL} is the name of 2 models'],
    ),
    'a figure does not tell whose it is': (
        METAFILE,
        ('1 Accuracy (paper): 72.6', '1 Accuracy: 72.6'),
        ['"Linear Evaluation Top 1 Accuracy" must end in one of (paper), (RCL paper), (ours)'],
    ),
    'weights are named': (
        METAFILE,
        ('    Metadata:', '    Weights: there.pth\n    Metadata:'),
        ['has weights, but the documentation states that none are published'],
    ),
    'epochs are wrong': (
        METAFILE,
        ('Epochs: 30', 'Epochs: 31'),
        ['must have Epochs 30, as in its name'],
    ),
    'a collection is unknown': (
        METAFILE,
        ('In Collection: RCL', 'In Collection: RLC'),
        ['Invalid collection name `RLC`'],
    ),
}


def change(path: Path, how: tuple[str, str] | tuple[()] | None) -> None:
    if how is REMOVED:
        path.unlink()
    elif how == ADDED:
        path.touch(exist_ok=False)
    else:
        text = path.read_text()
        assert how[0] in text
        path.write_text(text.replace(*how, 1))


@pytest.mark.parametrize('what', BREAKS)
def test_the_check_notices_that(what: str, tmp_path: Path):
    shutil.copytree(ROOT / 'configs', tmp_path / 'configs')
    shutil.copy(ROOT / 'model-index.yml', tmp_path)
    file, how, sentences = BREAKS[what]
    change(tmp_path / file, how)
    code, found = check('--root', tmp_path)
    assert code == 1
    for sentence in sentences:
        assert any(sentence in line for line in found), found


def test_a_config_of_mmrcl_is_a_base_by_name(tmp_path: Path):
    config = tmp_path / 'mine.py'
    config.write_text(f"_base_ = ['mmrcl::rcl/{RCL}.py']\ntrain_cfg = dict(max_epochs=7)\n")
    shipped = Config.fromfile(mim_folder() / f'configs/rcl/{RCL}.py')
    shipped.train_cfg.max_epochs = 7
    assert read_config(str(config)).to_dict() == shipped.to_dict()


def test_hub_finds_config_and_model_by_name():
    assert Path(get_config(f'mmrcl::rcl/{RCL}.py').filename).name == f'{RCL}.py'
    assert type(get_model(f'mmrcl::rcl/{RCL}.py')).__name__ == 'RCL'


def test_an_incomplete_installation_tells_the_remedy(tmp_path: Path, monkeypatch):
    monkeypatch.setattr('mmrcl.zoo.__file__', str(tmp_path / 'zoo.py'))
    with pytest.raises(FileNotFoundError, match='lacks configs/rcl, .* reinstall mmrcl'):
        mim_folder()
