"""What the Makefile, the packaging and the imports of mmrcl promise."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import mmrcl

ROOT = Path(__file__).parents[1]

# Imports every module of a package where the modules that argv names cannot be imported.
IMPORT_ALL = """
import importlib, importlib.abc, pkgutil, sys

package, *blocked = sys.argv[1:]

class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if any(f'{name}.'.startswith(f'{module}.') for module in blocked):
            raise ModuleNotFoundError(f'{name} is blocked', name=name)

def reraise(name):
    raise

sys.meta_path.insert(0, Blocker())
root = importlib.import_module(package)
for module in pkgutil.walk_packages(root.__path__, f'{package}.', onerror=reraise):
    importlib.import_module(module.name)
    print(module.name)
"""


def run(*command: str, **kwargs) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, timeout=300, **kwargs)


@pytest.mark.slow
@pytest.mark.parametrize(
    ('package', 'blocked', 'expected'),
    [
        # Detection and mmcv's compiled operators are for those who ask for them.
        ('mmrcl', ['mmdet', 'mmcv.ops', 'mmcv._ext'], 'mmrcl.models.selfsup'),
        # The clustering library can be read, tested and reused alone.
        (
            'mmrcl.clustering',
            ['mmengine', 'mmcv', 'mmpretrain', 'mmdet', 'torchvision', 'scipy', 'sklearn'],
            'mmrcl.clustering.hierarchy',
        ),
    ],
)
def test_imports_without(package: str, blocked: list[str], expected: str):
    done = run(sys.executable, '-c', IMPORT_ALL, package, *blocked, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert expected in done.stdout.splitlines()


TARGETS = [
    'demo',
    'demo-transfer',
    'test-fast',
    'test',
    'nightly',
    'coverage',
    'docs',
    'lint',
    'format',
    'venv',
    'venv-full',
    'clean',
]


@pytest.mark.parametrize('target', TARGETS)
def test_make_has_and_explains(target: str):
    assert run('make', '--dry-run', target, cwd=ROOT).returncode == 0
    explained = [line.split()[0] for line in run('make', cwd=ROOT).stdout.splitlines()]
    assert target in explained


def test_the_workflow_runs_what_anyone_can_run():
    jobs = yaml.safe_load((ROOT / '.github/workflows/ci.yml').read_text())['jobs']
    commands = [step['run'] for job in jobs.values() for step in job['steps'] if 'run' in step]
    assert commands == ['.ci/run', '.ci/run ${{ matrix.tests }}']
    assert jobs['night']['strategy']['matrix'] == dict(tests=['nightly', 'oldest'])
    assert all(job['timeout-minutes'] for job in jobs.values())


# Stands in for make: says what it was to do, and fails in the static checks.
MAKE = """#!/bin/sh
echo "make $*, constraint ${PIP_CONSTRAINT##*/}"
case $1 in test | nightly) echo '===== 3 passed, 1 warning in 2.50s (0:00:02) =====' ;; esac
test "$1" != "$FAILING"
"""


@pytest.mark.parametrize(
    ('argument', 'failing', 'steps'),
    [
        ([], 'none', ['venv-full', 'lint', 'docs', 'test']),
        (['nightly'], 'none', ['venv-full', 'lint', 'docs', 'nightly']),
        (['oldest'], 'none', ['venv-full', 'test']),
        ([], 'lint', ['venv-full', 'lint', 'docs', 'test']),
        ([], 'venv-full', ['venv-full']),
    ],
)
def test_ci_times_each_step_and_fails_in_the_end(tmp_path: Path, argument, failing, steps):
    (tmp_path / '.ci').mkdir()
    shutil.copy(ROOT / '.ci/run', tmp_path / '.ci')
    for name, text in (('make', MAKE), ('chromium', ''), ('chromedriver', '')):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    environment = {**os.environ, 'PATH': f'{tmp_path}:{os.environ["PATH"]}', 'FAILING': failing}
    environment.pop('PIP_CONSTRAINT', None)
    done = run(str(tmp_path / '.ci/run'), *argument, env=environment)
    assert done.returncode == (failing != 'none')
    made = [line.split()[1].rstrip(',') for line in done.stdout.splitlines() if line[:5] == 'make ']
    assert made == steps
    assert ('oldest.txt' in done.stdout) == (argument == ['oldest'])
    named = ['install', *steps[1:]]
    summary = done.stdout.splitlines()[-len(steps) - 1 - (len(steps) > 1) :]
    assert [line.split()[0] for line in summary[: len(steps) + 1]] == [*named, 'total']
    outcomes = [line.split()[-1] for line in summary[: len(steps)]]
    assert outcomes == ['failed' if step == failing else 'passed' for step in steps]
    assert summary[-1].startswith('===== 3 passed' if len(steps) > 1 else 'total')


def test_ci_knows_its_arguments():
    done = run(str(ROOT / '.ci/run'), 'everything')
    assert done.returncode == 2 and 'usage' in done.stderr


def test_setup_has_the_version_of_the_package():
    done = run(sys.executable, 'setup.py', '--version', cwd=ROOT)
    assert done.stdout.split() == [mmrcl.__version__]


@pytest.mark.parametrize(
    ('arguments', 'sentence'),
    [
        (['light', 'python-that-is-not-there'], 'name another interpreter'),
        (['heavy', sys.executable], 'light or full'),
    ],
)
def test_install_says_what_is_wrong(tmp_path: Path, arguments: list[str], sentence: str):
    kind, python = arguments
    for name in ['setup.py', 'mmrcl/version.py', 'tools/install.sh']:
        copy = tmp_path / name
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, copy)
    done = run('env', f'PYTHON={python}', str(tmp_path / 'tools/install.sh'), kind)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert not (tmp_path / '.venv').exists()
