"""Choice of the checkpoint that a run resumes from."""

import logging
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

from mmengine.logging import print_log

PATTERNS = ('epoch_*.pth', 'iter_*.pth')


def is_whole(path: Path) -> bool:
    """Return whether a file of torch.save is complete: the zip directory is at its end."""
    return zipfile.is_zipfile(path)


def latest_checkpoint(work_dir: Path) -> Path | None:
    """Return the newest complete checkpoint of a run, or None if the run has written none.

    The checkpoint named in the file ``last_checkpoint`` comes first, then the others, newest first.
    Missing and truncated ones are skipped with a warning.

    Raises:
        ValueError: if there are checkpoints and none is complete.
    """
    skipped: list[Path] = []
    for path in _newest_first(work_dir):
        if is_whole(path):
            if skipped:
                _warn(f'Going back to the checkpoint before, {path}')
            return path
        state = 'torn' if path.exists() else 'missing'
        _warn(f'The checkpoint {path} is {state}')
        skipped.append(path)
    if skipped:
        raise ValueError(
            f'none of the {len(skipped)} checkpoints in {work_dir} is whole: pass another one '
            'by --resume CHECKPOINT, or start again in another --work-dir'
        )
    return None


def _newest_first(work_dir: Path) -> Iterator[Path]:
    note = work_dir / 'last_checkpoint'
    named = Path(note.read_text().strip()) if note.is_file() else None
    folders = {work_dir, named.parent if named else work_dir}
    found = [path for folder in folders for pattern in PATTERNS for path in folder.glob(pattern)]
    if named is not None:
        yield named
    for path in sorted(found, key=os.path.getmtime, reverse=True):
        if path != named:
            yield path


def _warn(message: str) -> None:
    print_log(message, 'current', logging.WARNING)
