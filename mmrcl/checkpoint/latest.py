"""Which checkpoint a run goes on from."""

import logging
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

from mmengine.logging import print_log

PATTERNS = ('epoch_*.pth', 'iter_*.pth')


def is_whole(path: Path) -> bool:
    """Whether a file that torch.save wrote has its end, where it lists what it holds."""
    return zipfile.is_zipfile(path)


def latest_checkpoint(work_dir: Path) -> Path | None:
    """The newest whole checkpoint of a run, or None for a run that has written none.

    The one that the file ``last_checkpoint`` names comes first, then the others by their time.
    Each that is missing or torn is passed over with a warning.

    Raises:
        ValueError: if there are checkpoints and none is whole.
    """
    passed_over: list[Path] = []
    for path in _newest_first(work_dir):
        if is_whole(path):
            if passed_over:
                print_log(
                    f'Going back to the checkpoint before, {path}', 'current', logging.WARNING
                )
            return path
        what = 'torn' if path.exists() else 'missing'
        _warn(f'The checkpoint {path} is {what}')
        passed_over.append(path)
    if passed_over:
        raise ValueError(
            f'none of the {len(passed_over)} checkpoints in {work_dir} is whole: name another one '
            'by --resume CHECKPOINT, or start anew in another --work-dir'
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
