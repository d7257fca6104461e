"""Choice of the checkpoint that a run resumes from."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

from mmengine.logging import print_log

from .reading import is_whole, read_checkpoint

_NAME = re.compile(r'(epoch|iter)_(\d+)\.pth')


def latest_checkpoint(work_dir: Path) -> Path | None:
    """Return the newest complete checkpoint of a run, or None if the run has written none.

    The checkpoint named in the file ``last_checkpoint`` comes first, then the others, by their
    iterations. Missing and truncated ones are skipped with a warning. Times and the folder in
    ``last_checkpoint`` do not count, so the work dir may be copied and moved. Only if it holds no
    checkpoint, because the run wrote them into another ``out_dir``, that folder is searched.

    Raises:
        ValueError: if there are checkpoints and none is complete, or if the work dir is a copy and
            the original's checkpoints lie elsewhere.
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
            f'none of the {len(skipped)} checkpoints in {work_dir} is whole: restore one, '
            'or start again in another work dir'
        )
    return None


def find_checkpoint(path: str | Path) -> str | Path:
    """Return the newest complete checkpoint of a work dir, and any other path or URL as it is.

    Raises:
        ValueError: if the work dir has none.
    """
    if not Path(path).is_dir():
        return path
    found = latest_checkpoint(Path(path))
    if found is None:
        raise ValueError(f'{path} holds no checkpoint yet: train there, or pass another work dir')
    return found


def _newest_first(work_dir: Path) -> Iterator[Path]:
    note = work_dir / 'last_checkpoint'
    named = Path(note.read_text().strip()) if note.is_file() else None
    folder = work_dir if named is None else _folder_of(named, work_dir)
    first = [folder / named.name] if named is not None else []
    yield from first
    found = [path for path in folder.glob('*.pth') if _NAME.fullmatch(path.name)]
    kinds = {path.name.split('_')[0] for path in found}
    yield from sorted(
        (path for path in found if path not in first),
        key=_number if len(kinds) == 1 else _iteration,
        reverse=True,
    )


def _folder_of(named: Path, work_dir: Path) -> Path:
    """Return the folder of a run's checkpoints, by the path of the last one as it was written."""
    held = (work_dir / named.name).exists() or any(map(_NAME.fullmatch, _names(work_dir)))
    if held or not named.parent.is_dir():
        return work_dir
    # mmengine's rule: the name of the work dir is appended to an out_dir.
    if named.parent.name != work_dir.resolve().name:
        raise ValueError(
            f'{work_dir} holds no checkpoint, and its last_checkpoint names {named} of another '
            'run: copy the checkpoints too'
        )
    return named.parent


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _number(path: Path) -> int:
    found = _NAME.fullmatch(path.name)
    assert found is not None
    return int(found[2])


def _iteration(path: Path) -> int:
    """Return the iterations that a checkpoint has behind it, -1 if it does not tell."""
    if path.name.startswith('iter'):
        return _number(path)
    try:
        return int(read_checkpoint(path, mmap=True)['meta']['iter'])
    except (IndexError, KeyError, TypeError, ValueError):
        return -1


def _warn(message: str) -> None:
    print_log(message, 'current', logging.WARNING)
