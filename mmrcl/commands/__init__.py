"""The command ``mmrcl``: from a folder of images to an encoder, and what to do with it.

Each module is a subcommand: its docstring is the help, ``add_arguments`` its arguments, and ``run``
calls functions of :mod:`mmrcl.apis`.
"""

import argparse
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mmrcl.errors import TrainingError

from . import (
    cluster,
    duplicates,
    embed,
    evaluate,
    export,
    outliers,
    pretrain,
    report,
    subset,
)

__all__ = ['main']

COMMANDS = (pretrain, evaluate, cluster, report, embed, export, duplicates, outliers, subset)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand.

    Args:
        argv: its name and arguments, by default those of the process.

    Returns:
        The exit status: 1 after an error, which is printed in one line, and 130 after Ctrl-C.
    """
    args = _parser().parse_args(argv)
    try:
        with _plain_warnings():
            args.run(args)
    except (ImportError, OSError, TrainingError, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Print each warning once and in one line, without its place in the source."""
    shown: set[str] = set()

    def show(message: Warning | str, *place: Any, **kwargs: Any) -> None:
        text = ' '.join(str(message).split())
        if text not in shown:
            shown.add(text)
            print(f'warning: {text}', file=sys.stderr)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='mmrcl', description='Pretrain an encoder on a folder of images, and use it.'
    )
    subparsers = parser.add_subparsers(title='commands', metavar='COMMAND', required=True)
    for module in COMMANDS:
        about = (module.__doc__ or '').strip()
        command = subparsers.add_parser(
            module.__name__.rpartition('.')[2],
            help=about.partition('\n')[0],
            description=about,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser
