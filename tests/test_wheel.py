"""The wheel holds what is needed, and trains from site-packages in an environment made for it."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
RCL = 'rcl_resnet18_1xb128-coslr-30e_digits'
ONE_STEP = ['train_cfg.max_epochs=1', 'train_dataloader.batch_size=1024']
ONE_STEP += ['default_hooks.clustering.warmup_epochs=0']
# They make the environment of a checkout.
NOT_SHIPPED = {'tools/install.sh', 'tools/oldest.txt'}

INSPECT = f"""
import modelindex, mmengine.hub, mmrcl, mmrcl.registry
from mmrcl.zoo import mim_folder

print(mmrcl.__file__)
index = modelindex.load(str(mim_folder() / 'model-index.yml'))
assert len(index.models) > 50 and not index.check(silent=True)
print(mmengine.hub.get_config('mmrcl::rcl/{RCL}.py').filename)
print(type(mmengine.hub.get_model('mmrcl::rcl/{RCL}.py')).__name__)
"""


def run(*command: object, cwd: Path, timeout: float = 300) -> str:
    """What a command printed; no checkout is on its path."""
    env = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=env, capture_output=True, text=True, timeout=timeout
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def tracked_files() -> list[str]:
    return run('git', 'ls-files', '-z', cwd=ROOT).rstrip('\0').split('\0')


@pytest.fixture(scope='module')
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what git tracks, so that nothing else can get into the wheel."""
    folder = tmp_path_factory.mktemp('checkout')
    for name in tracked_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    return folder


def build_wheel(source: Path, folder: Path) -> Path:
    run(sys.executable, '-m', 'pip', 'wheel', '--no-deps', '-w', folder, source, cwd=folder)
    (wheel,) = folder.glob('*.whl')
    return wheel


@pytest.fixture(scope='module')
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(checkout, tmp_path_factory.mktemp('wheel'))


def contents(wheel: Path) -> dict[str, bytes]:
    """Names and bytes of the files in a wheel but its metadata."""
    with ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if '.dist-info/' not in name]
        return {name: archive.read(name) for name in names}


@pytest.mark.slow
def test_the_wheel_holds_the_package_configs_tools_and_index(wheel: Path):
    sources = {}
    for name in set(tracked_files()) - NOT_SHIPPED:
        if name.startswith(('configs/', 'tools/')) or name == 'model-index.yml':
            sources[f'mmrcl/.mim/{name}'] = ROOT / name
        elif name.startswith('mmrcl/') and not name.startswith('mmrcl/.mim/'):
            sources[name] = ROOT / name
    found = contents(wheel)
    assert found.keys() == sources.keys()
    assert found == {name: path.read_bytes() for name, path in sources.items()}


@pytest.mark.slow
def test_scripts_stay_executable(wheel: Path):
    with ZipFile(wheel) as archive:
        scripts = [info for info in archive.infolist() if info.filename.endswith('.sh')]
    assert scripts
    assert all(info.external_attr >> 16 & 0o111 for info in scripts)


@pytest.mark.slow
def test_a_source_distribution_gives_the_same_wheel(checkout: Path, wheel: Path, tmp_path: Path):
    run(sys.executable, 'setup.py', '--quiet', 'sdist', '--dist-dir', tmp_path, cwd=checkout)
    (source,) = tmp_path.glob('*.tar.gz')
    assert contents(build_wheel(source, tmp_path)) == contents(wheel)


def borrow_packages(venv: Path, wheel: Path) -> None:
    """Makes an environment that sees the packages of this one, and installs the wheel alone."""
    run(sys.executable, '-m', 'venv', '--without-pip', venv, cwd=wheel.parent)
    (packages,) = venv.glob('lib/*/site-packages')
    # Folders on the path of a .pth file have theirs ignored, such as that of an editable mmrcl.
    lent = [path for path in sys.path if path.endswith('site-packages')]
    (packages / 'lent.pth').write_text('\n'.join(lent))
    pip = (sys.executable, '-m', 'pip', '--quiet', '--python', venv / 'bin/python')
    run(*pip, 'install', '--no-deps', '--no-index', wheel, cwd=wheel.parent)


def install_all(venv: Path, wheel: Path) -> None:
    """Makes an environment with nothing but the wheel, its dependencies and mim; 6 GB."""
    run(sys.executable, '-m', 'venv', venv, cwd=wheel.parent)
    # onedl-mim 0.5.1 does not find a package that is named as its distribution.
    pip = [venv / 'bin/pip', '--quiet', 'install']
    run(*pip, wheel, 'openmim', cwd=wheel.parent, timeout=1200)


MAKERS = dict(borrowed=borrow_packages, whole=install_all)


@pytest.fixture(
    scope='module', params=['borrowed', pytest.param('whole', marks=pytest.mark.nightly)]
)
def environment(request: pytest.FixtureRequest, wheel: Path) -> Iterator[Path]:
    """An environment with the wheel, removed again."""
    with tempfile.TemporaryDirectory(prefix='mmrcl_wheel_') as folder:
        venv = Path(folder, 'venv')
        MAKERS[request.param](venv, wheel)
        yield venv


@pytest.mark.slow
@pytest.mark.timeout(1800)
class TestInstalled:
    """From a folder outside the repository; the first test waits for the installation."""

    def test_is_imported_from_site_packages(self, environment: Path, tmp_path: Path):
        lines = run(environment / 'bin/python', '-c', INSPECT, cwd=tmp_path).splitlines()
        package, config = Path(lines[0]).parent, Path(lines[1])
        assert environment in package.parents
        assert package.parent.name == 'site-packages'
        assert config == package / f'.mim/configs/rcl/{RCL}.py'
        assert lines[2] == 'RCL'

    def test_trains_from_a_config_of_the_user(self, environment: Path, tmp_path: Path):
        few = 'dataset=dict(indices=192)'
        (tmp_path / 'mine.py').write_text(
            f"_base_ = ['mmrcl::rcl/{RCL}.py']\n"
            'train_cfg = dict(max_epochs=1)\n'
            f'train_dataloader = dict(batch_size=96, {few})\n'
            'default_hooks = dict(\n'
            f'    clustering=dict(warmup_epochs=0, dataloader=dict({few})), knn=None\n'
            ')\n'
        )
        (tool,) = environment.glob('lib/*/site-packages/mmrcl/.mim/tools/train.py')
        run(environment / 'bin/python', tool, 'mine.py', cwd=tmp_path)
        assert (tmp_path / 'work_dirs/mine/epoch_1.pth').is_file()


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@pytest.mark.parametrize('environment', ['whole'], indirect=True)
class TestInstalledWithMim:
    """The same by the commands of mim, which comes with the dependencies alone."""

    def test_trains(self, environment: Path, tmp_path: Path):
        mim = (environment / 'bin/mim', 'train', 'mmrcl', f'{RCL}.py')
        run(*mim, '--work-dir', 'mine', '--cfg-options', *ONE_STEP, cwd=tmp_path)
        assert (tmp_path / 'mine/epoch_1.pth').is_file()

    def test_runs_the_other_tools(self, environment: Path, tmp_path: Path):
        run(environment / 'bin/mim', 'run', 'mmrcl', 'check_zoo', cwd=tmp_path)
