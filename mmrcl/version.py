"""The version of mmrcl, read by ``setup.py`` too, and the commit of its code."""

import subprocess
from functools import lru_cache
from pathlib import Path

__version__ = '0.1.0'


@lru_cache
def commit() -> str:
    """Return the git commit of the code, with ``-dirty`` if files differ from it.

    The result is empty for an installed package, which has no repository.
    """
    root = Path(__file__).parents[1]
    if not (root / '.git').exists():
        return ''
    describe = ['describe', '--always', '--dirty', '--abbrev=40', '--exclude=*']
    command = ['git', '-C', str(root), *describe]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ''
