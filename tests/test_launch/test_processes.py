"""Two runs do not share a work dir, and what the main process finds all find."""

import subprocess
import sys
from pathlib import Path

import pytest

from mmrcl.errors import ConfigError
from mmrcl.launch import locked
from mmrcl.launch.processes import on_main_process

from ..commands import call
from ..runs import CONFIG

# Holds the lock of a work dir as another run would, until its input ends.
HOLD = """
import fcntl, sys
file = open(sys.argv[1], 'w')
file.write('process 7 on elsewhere since noon')
file.flush()
fcntl.lockf(file, fcntl.LOCK_EX)
print('locked', flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path):
    """Another process that uses the work dir."""
    command = [sys.executable, '-c', HOLD, tmp_path / 'run.lock']
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b'locked\n'
    yield process
    process.kill()
    process.communicate()


def test_a_work_dir_in_use_is_refused_before_anything_is_written(tmp_path, other):
    done = call('train.py', CONFIG, '--work-dir', tmp_path, '--resume')
    assert done.returncode == 1
    [line] = done.stderr.strip().splitlines()
    assert line.startswith(f'error: work dir {tmp_path} is in use by process 7 on elsewhere since')
    assert line.endswith('or use another work dir')  # `mmrcl pretrain` names it by --out.
    assert [path.name for path in tmp_path.iterdir()] == ['run.lock']


def test_a_killed_run_leaves_no_lock(tmp_path, other):
    other.kill()
    other.wait()
    with locked(str(tmp_path)):
        assert str(tmp_path) not in Path(tmp_path, 'run.lock').read_text()
        assert Path(tmp_path, 'run.lock').read_text().startswith('process ')


@pytest.mark.parametrize('place', ['file', 'file/below', '/proc/nowhere'])
def test_a_work_dir_that_cannot_be_written(tmp_path, place):
    (tmp_path / 'file').touch()
    with (
        pytest.raises(ConfigError, match='is a file|cannot be written'),
        locked(str(tmp_path / place)),
    ):
        pass


def test_a_disk_without_locks_is_a_warning(tmp_path, monkeypatch):
    said = []

    def refuse(*args):
        raise OSError(38, 'Function not implemented')

    monkeypatch.setattr('fcntl.lockf', refuse)
    monkeypatch.setattr('mmrcl.launch.processes.print_log', lambda text, *_: said.append(text))
    with locked(str(tmp_path)):
        pass
    assert len(said) == 1 and 'cannot be locked' in said[0]


def test_errors_of_the_main_process_are_raised():
    def fail():
        raise ConfigError('wrong')

    assert on_main_process(lambda: 3) == 3
    with pytest.raises(ConfigError, match='wrong'):
        on_main_process(fail)
