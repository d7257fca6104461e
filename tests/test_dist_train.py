"""How ``tools/dist_train.sh`` ends at a terminal and under a scheduler."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .terminal import Terminal, wait_for_end
from .test_engine.launched import launch

LONG = dict(train_cfg__max_epochs=500, default_hooks__logger__interval=1)

# What asks the run to save, and the signal that its message names.
ASKING: dict[str, tuple[Callable[[Terminal], None], str]] = dict(
    ctrl_c=(Terminal.press_ctrl_c, 'SIGINT'),
    sigusr1=(lambda run: run.process.send_signal(signal.SIGUSR1), 'SIGTERM'),
    one_rank=(lambda run: os.kill(run.children()[1], signal.SIGTERM), 'SIGTERM'),
)


@pytest.mark.slow
@pytest.mark.parametrize(
    'by', ['ctrl_c', 'sigusr1', pytest.param('one_rank', marks=pytest.mark.nightly)]
)
def test_it_saves_and_leaves_when_asked_to(tmp_path, by):
    ask, name = ASKING[by]
    with launch(tmp_path, **LONG) as run:
        run.read_until('Epoch(train)')
        ask(run)
        assert run.code() == 75, run.said[-3000:]
    saved = Path((tmp_path / 'last_checkpoint').read_text())
    assert saved.name.startswith('iter_') and saved.is_file()
    assert f'{name}: saved {saved}' in run.said
    assert 'Traceback' not in run.said


@pytest.mark.slow
def test_ctrl_c_before_the_first_step_claims_no_save(tmp_path):
    with launch(tmp_path, **LONG) as run:
        while len(run.children()) < 2:
            time.sleep(0.1)
        run.press_ctrl_c()
        assert run.code() == 128 + signal.SIGINT, run.said[-3000:]
    assert 'saved' not in run.said
    assert not list(tmp_path.glob('*.pth'))


@pytest.mark.slow
def test_ranks_end_when_their_launcher_is_killed(tmp_path):
    with launch(tmp_path, **LONG) as run:
        run.read_until('Epoch(train)')
        ranks = run.children()
        assert len(ranks) == 2
        run.process.kill()
        run.process.wait()
        wait_for_end(ranks)
        assert run.code() == -signal.SIGKILL
    assert 'the launcher has died' in run.said
