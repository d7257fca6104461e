"""One run of two launchers, as on two machines, and what ``tools/dist_run.py`` refuses."""

import runpy
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from .commands import ROOT, call
from .runs import CONFIG, TINY
from .terminal import Terminal
from .test_engine.launched import free_port

SETTINGS = TINY | {
    'train_dataloader.batch_size': 16,
    'default_hooks.logger.interval': 1,
}


@pytest.fixture
def machines(tmp_path):
    """Starts the launchers of two machines, with one process each."""
    with ExitStack() as stack:

        def start(epochs: int) -> list[Terminal]:
            options = [f'{key}={value}' for key, value in SETTINGS.items()]
            command = [
                *('bash', ROOT / 'tools/dist_train.sh', CONFIG, 1, '--work-dir', tmp_path),
                *('--resume', '--cfg-options', *options, f'train_cfg.max_epochs={epochs}'),
            ]
            shared = dict(NNODES='2', MASTER_ADDR='127.0.0.1', MASTER_PORT=free_port(), PORT='')
            return [
                stack.enter_context(
                    Terminal(*command, **shared, NODE_RANK=str(rank), OMP_NUM_THREADS='1')
                )
                for rank in range(2)
            ]

        yield start


def codes(runs: list[Terminal]) -> list[int]:
    return [run.code() for run in runs]


@pytest.mark.slow
def test_two_machines_train_one_run(machines, tmp_path):
    first, second = runs = machines(epochs=3)
    assert codes(runs) == [0, 0], first.said[-3000:] + second.said[-3000:]
    assert 'Global batch 32 = 16 per process x 2 processes' in first.said
    assert 'Epoch(train) [3][6/6]' in first.said and 'Epoch(train)' not in second.said
    # One work dir, with one log, which the first machine writes.
    assert Path((tmp_path / 'last_checkpoint').read_text()) == tmp_path / 'epoch_3.pth'
    assert len(list(tmp_path.glob('*/*.log'))) == 1


@pytest.mark.nightly
def test_a_signal_to_either_machine_saves_and_both_resume(machines, tmp_path):
    first, second = runs = machines(epochs=500)
    first.read_until('Epoch(train)')
    second.process.send_signal(signal.SIGUSR1)
    assert codes(runs) == [75, 75], first.said[-3000:] + second.said[-3000:]
    saved = Path((tmp_path / 'last_checkpoint').read_text())
    assert saved.is_file() and f'saved {saved}' in first.said
    runs = machines(epochs=4)
    assert codes(runs) == [0, 0], runs[0].said[-3000:] + runs[1].said[-3000:]
    assert 'Epoch(train) [4][6/6]' in runs[0].said


@pytest.fixture(scope='module')
def machine_arguments():
    return runpy.run_path(str(ROOT / 'tools/dist_run.py'))['machine_arguments']


@pytest.mark.parametrize(
    ('environment', 'expected'),
    [
        ({}, ['--nnodes=1', '--node_rank=0', '--master_addr=127.0.0.1', '--master_port=29500']),
        (
            # The rest of another job's environment.
            dict(MASTER_ADDR='elsewhere', PORT='7', MASTER_PORT='8'),
            ['--nnodes=1', '--node_rank=0', '--master_addr=127.0.0.1', '--master_port=7'],
        ),
        (
            dict(NNODES='8', NODE_RANK='7', MASTER_ADDR='first', MASTER_PORT='8'),
            ['--nnodes=8', '--node_rank=7', '--master_addr=first', '--master_port=8'],
        ),
    ],
)
def test_the_environment_says_which_machine_this_is(machine_arguments, environment, expected):
    assert machine_arguments(environment) == expected


@pytest.mark.parametrize(
    ('environment', 'message'),
    [
        (dict(NODE_RANK='1'), 'NODE_RANK=1 of NNODES=1 must be from 0 to 0: set NNODES'),
        (
            dict(NNODES='2', NODE_RANK='2', MASTER_ADDR='first'),
            'NODE_RANK=2 of NNODES=2 must be from 0 to 1: set NNODES',
        ),
        (dict(NNODES='2', MASTER_ADDR='first'), 'NNODES=2, but NODE_RANK not set: on each machine'),
        (dict(NNODES='2'), 'NNODES=2, but NODE_RANK and MASTER_ADDR not set'),
        (dict(NNODES='two'), 'NNODES=two must be a whole number'),
        (dict(NNODES='0'), 'NNODES=0 must be at least 1'),
        (dict(PORT='tcp'), 'PORT=tcp must be a whole number'),
        (dict(MASTER_PORT='70000'), 'MASTER_PORT=70000 must be from 1 to 65535'),
    ],
)
def test_machines_that_do_not_fit_are_refused(monkeypatch, environment, message):
    for name in ('NNODES', 'NODE_RANK', 'MASTER_ADDR', 'MASTER_PORT', 'PORT'):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    handler = signal.getsignal(signal.SIGUSR1)
    try:
        done = call('dist_run.py', '--nproc_per_node=1', 'train.py')
    finally:
        signal.signal(signal.SIGUSR1, handler)
    assert done.returncode == 1
    assert done.stderr.startswith(f'error: {message}') and done.stderr.count('\n') == 1
