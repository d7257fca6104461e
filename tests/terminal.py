"""A command at a terminal of its own, where a test can press Ctrl-C or kill what it started."""

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

from .commands import ROOT
from .tiers import check_slow


class Terminal:
    """Starts a command, keeps what it says in ``said``, and ends it with the context."""

    def __init__(self, *command: object, **environment: str) -> None:
        check_slow('starts a command')
        self._screen, keyboard = os.openpty()
        self.said = ''
        bin_path = f'{Path(sys.executable).parent}:{os.environ["PATH"]}'
        self.process = subprocess.Popen(
            [str(word) for word in command],
            cwd=ROOT,
            env={**os.environ, 'PYTHONPATH': str(ROOT), 'PATH': bin_path, **environment},
            stdin=keyboard,
            stdout=keyboard,
            stderr=keyboard,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(keyboard)

    def __enter__(self) -> 'Terminal':
        return self

    def __exit__(self, *error: object) -> None:
        for pid in [self.process.pid, *self.children()]:
            kill(pid)
        self.process.wait()
        os.close(self._screen)

    def press_ctrl_c(self) -> None:
        os.write(self._screen, b'\x03')

    def children(self) -> list[int]:
        """Processes that the command has started and that live."""
        with contextlib.suppress(OSError):
            pid = self.process.pid
            return [*map(int, Path(f'/proc/{pid}/task/{pid}/children').read_text().split())]
        return []

    def read_until(self, text: str, timeout: float = 300) -> None:
        """Waits until the command has said ``text``."""
        end = time.monotonic() + timeout
        while text not in self.said:
            assert time.monotonic() < end and self._read(), self.said[-3000:]

    def code(self, timeout: float = 300) -> int:
        """Waits for the end of the command, and returns its code."""
        end = time.monotonic() + timeout
        while time.monotonic() < end and self._read():
            pass
        return self.process.wait(max(1, end - time.monotonic()))

    def _read(self) -> bool:
        """Reads what there is, and returns whether more can come."""
        if not select.select([self._screen], [], [], 1)[0]:
            return self.process.poll() is None
        try:
            found = os.read(self._screen, 1 << 16)
        except OSError:  # All have closed the terminal.
            return False
        self.said += found.decode(errors='replace')
        return bool(found)


def _take_terminal() -> None:
    # Where the tests run in a shell's background Ctrl-C is ignored.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def kill(pid: int) -> None:
    """Kills a process, if it lives."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def wait_for_end(pids: list[int], timeout: float = 20) -> None:
    """Waits until processes that are not children of this one have ended."""
    end = time.monotonic() + timeout
    while alive := [pid for pid in pids if Path(f'/proc/{pid}').exists()]:
        assert time.monotonic() < end, f'{alive} live on'
        time.sleep(0.1)
