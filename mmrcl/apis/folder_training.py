"""From a folder to an encoder in one call."""

import argparse
import os
import shlex
from pathlib import Path

from mmengine.config import Config

from mmrcl.checkpoint import find_checkpoint, latest_checkpoint
from mmrcl.errors import ConfigError
from mmrcl.launch import (
    add_common_arguments,
    check_work_dir,
    load_config,
    run_training,
    use_pretrained,
)

from .folders import write_folder_page
from .outputs import check_outside
from .pretraining import (
    Choices,
    FolderFacts,
    Request,
    build_config,
    choose,
    config_text,
    look_at_folder,
    look_at_machine,
    split_by_class,
    write_split,
)

__all__ = ['pretrain']

CONFIG = 'config.py'
STARTED = f'{CONFIG}.partial'
LABELS = 'labels'
PAGE = 'hierarchy_report.html'


def pretrain(
    folder: str | Path,
    out: str | Path,
    model: str = 'resnet18',
    epochs: int | None = None,
    method: str = 'rcl',
    labels: str | Path | None = None,
    init: str | Path | None = None,
    dry_run: bool = False,
) -> Path | None:
    """Pretrain an encoder on a folder of images, with settings that suit folder and machine.

    The choices and their reasons are printed. ``out/config.py`` holds the complete config, which
    ``tools/train.py`` reads too. After the training ``out/hierarchy_report.html`` shows the images
    in clusters. The same call again continues a run that was interrupted, by its ``config.py``.

    Args:
        folder: images at any depth, read as :class:`mmrcl.datasets.ImageFolder` does. If all lie in
            class folders, kNN scores the encoder by them; the training does not see the classes.
        out: work dir of the run; it must not lie inside ``folder``.
        model: backbone, see :func:`mmrcl.models.backbone_config`.
        epochs: length of the training; all schedules follow. By default it depends on the number
            of images, and on whether there is a GPU.
        method: ``'rcl'``, ``'instance-discrimination'`` or ``'nnclr-positive'``.
        labels: file with a line ``FILE,CLASS`` for each labelled image, its path below ``folder``,
            instead of class folders.
        init: file of weights that the backbone starts from, see
            :class:`mmrcl.models.StrictPretrained`.
        dry_run: only print the choices.

    Returns:
        The last checkpoint, or None for a dry run.

    Raises:
        ConfigError: for what is wrong before the training.
        ImportError: for a model of a library that is not installed.
        TrainingError: for what stops the training.
        ValueError: for an unknown model.
    """
    asked = Request(
        os.fspath(folder),
        model,
        epochs,
        method,
        None if labels is None else os.fspath(labels),
        None if init is None else os.fspath(init),
    ).resolved()
    work_dir = Path(out).expanduser()
    _check_out(work_dir, asked)
    config = work_dir / CONFIG
    if dry_run or not config.exists():
        facts = look_at_folder(asked.folder, asked.labels)
        machine = look_at_machine()
        choices = choose(facts, machine, asked)
        print(f'{asked.folder}: {facts}\nThis machine: {machine}\n\n{_table(choices)}\n')
        if dry_run:
            return None
        _write(work_dir, facts, asked, choices)
        print(f'The complete config is in {config}\n')
    else:
        print(f'Continuing the run of {config}\n')
    resume = None if latest_checkpoint(work_dir) is None else 'auto'
    run_training(load_config(_arguments(config, work_dir)), resume)
    checkpoint = Path(find_checkpoint(work_dir))
    page = write_folder_page(work_dir / PAGE, asked.folder, checkpoint, asked.labels)
    print(f'\nLook at the images in clusters: open {page} in a browser.')
    words = ['mmrcl', 'embed', asked.folder, str(work_dir), '--out', 'features.npy']
    print(f'Use the encoder: {shlex.join(words)}')
    return checkpoint


def _check_out(work_dir: Path, request: Request) -> None:
    """Reject a work dir of something else.

    Raises:
        ConfigError: naming what it holds.
    """
    check_work_dir(str(work_dir), '--out')
    check_outside(work_dir, request.folder)
    config = work_dir / CONFIG
    if not config.is_file():
        held = {path.name for path in work_dir.iterdir()} if work_dir.is_dir() else set()
        if held and not {STARTED} <= held <= {STARTED, LABELS}:
            raise ConfigError(
                f'--out {work_dir} is not empty and holds no run of `mmrcl pretrain`: pass another '
                'folder'
            )
        return
    with config.open(encoding='utf-8') as lines:
        written = lines.readline().removeprefix('#').strip()
    if written != request.command():
        raise ConfigError(
            f'--out {work_dir} is of another command, `{written}`: repeat that to continue it, or '
            'pass another folder'
        )


def _table(choices: Choices) -> str:
    rows = [(name, str(choice.value), choice.reason) for name, choice in choices.items()]
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    return '\n'.join(f'{name:<{first}}  {value:<{second}}  {why}' for name, value, why in rows)


def _write(work_dir: Path, facts: FolderFacts, request: Request, choices: Choices) -> None:
    """Write all that a training reads.

    The partial config comes first and gets its name last: a work dir with it was begun, and one
    with the config is complete.

    Raises:
        ConfigError: before anything is written, if weights to start from do not fit the backbone.
    """
    labels = work_dir.resolve() / LABELS
    config = build_config(facts, request, choices, labels)
    use_pretrained(Config(config), None)
    work_dir.mkdir(parents=True, exist_ok=True)
    partial = work_dir / STARTED
    partial.write_text(config_text(config, choices, request.command()), encoding='utf-8')
    if facts.classes is not None:
        write_split(labels, facts.files, facts.classes, split_by_class(facts.classes))
    partial.replace(work_dir / CONFIG)


def _arguments(config: Path, work_dir: Path) -> argparse.Namespace:
    """Return the arguments of ``tools/train.py``."""
    parser = argparse.ArgumentParser()
    parser.add_argument('config')
    add_common_arguments(parser)
    return parser.parse_args([str(config), '--work-dir', str(work_dir)])
