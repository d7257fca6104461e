"""Tools as a user calls them: in a process of their own, or their ``main`` in this one."""

import contextlib
import io
import os
import runpy
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from .tiers import check_slow

ROOT = Path(__file__).parents[1]


def tool(name: str, *arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    """Runs a file of ``tools`` in a process, which takes seconds to start."""
    check_slow('starts a tool')
    command = [sys.executable, ROOT / 'tools' / name, *map(str, arguments)]
    environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=500
    )


def run_in_two_ranks(script: Path, *arguments: object) -> None:
    """Runs a script in two processes that torch's launcher starts, and expects no error."""
    check_slow('starts two processes')
    launcher = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node=2']
    environment = {**os.environ, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'}
    done = subprocess.run(
        [*launcher, script, *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def call(name: str, *arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    """Runs a file of ``tools`` in this process, with the exit status that its own would have."""
    path = ROOT / 'tools' / name
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', [str(path), *map(str, arguments)])
        patch.syspath_prepend(path.parent)
        patch.chdir(cwd)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                runpy.run_path(str(path), run_name='__main__')
            except SystemExit as stop:
                code = stop.code
            except Exception:
                code = traceback.format_exc()
    if isinstance(code, str):
        err.write(f'{code}\n')
        code = 1
    return subprocess.CompletedProcess(sys.argv, code or 0, out.getvalue(), err.getvalue())
