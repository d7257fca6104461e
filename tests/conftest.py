"""Settings of all tests, and the runs that many of them look at."""

from pathlib import Path

import pytest
from hypothesis import settings
from mmengine.runner import Runner

from . import tiers
from .runs import run, tiny_config

# A busy machine is no failure. The same examples in each run: a change is not to fail by those of
# another's code. `--hypothesis-profile=search`, as at night, draws new ones.
settings.register_profile('mmrcl', deadline=None, derandomize=True)
settings.register_profile('search', deadline=None)
settings.load_profile('mmrcl')


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Lets the helpers that train see which test they train for."""
    tiers.running = item


@pytest.fixture(scope='session')
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Runner]:
    """The tiny run as it is, with a checkpoint of each epoch: what quick tests may train."""
    work_dir = tmp_path_factory.mktemp('whole')
    return work_dir, run(tiny_config(work_dir))
