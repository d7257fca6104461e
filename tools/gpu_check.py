"""Check a machine with GPUs before the first training, in about 10 minutes.

    python tools/gpu_check.py --out gpu_check.json

Each check prints one line: PASS, FAIL with a remedy, or SKIP with a reason, and what it measured.
The exit code is 1 if one failed. docs/gpu_check.md explains the checks. Groups can be named:
python tools/gpu_check.py speed memory.
"""

import argparse
import importlib
import json
import math
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path

import mmrcl.threads  # noqa: F401  before torch

import torch
from gpu_checks.results import Check, Place, Result, missing, run_check

# In their order; the seconds are those of a GPU.
GROUPS = {
    'environment': 15,
    'numerics': 40,
    'precision': 60,
    'processes': 70,
    'speed': 190,
    'scale': 120,
    'memory': 60,
    'input': 50,
    'resume': 60,
}
# A group hangs if it takes longer than its seconds so many times, and these seconds to start.
PATIENCE = 4
START = 120


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'groups', nargs='*', metavar='GROUP', help=f'{", ".join(GROUPS)} (default: all)'
    )
    parser.add_argument(
        '--device', choices=['cuda', 'cpu'], help='(default: a GPU if there is one)'
    )
    parser.add_argument('--toy', action='store_true', help='tiny sizes: try the checks themselves')
    parser.add_argument('--out', type=Path, metavar='FILE.json', help='where to write the results')
    args = parser.parse_args()
    if unknown := {*args.groups} - {*GROUPS}:
        parser.error(f'unknown {", ".join(sorted(unknown))}: choose from {", ".join(GROUPS)}')
    return args


def checks_of(group: str) -> dict[str, Check]:
    """Import the checks of a group.

    Raises:
        ModuleNotFoundError: without a package that the group needs.
    """
    return importlib.import_module(f'gpu_checks.{group}').CHECKS


def run_group(group: str, place: Place) -> Iterator[Result]:
    """Run the checks of a group in this process."""
    try:
        checks = checks_of(group)
    except ModuleNotFoundError as error:
        yield Result(group, 'SKIP', remedy=missing(error))
        return
    for name, check in checks.items():
        yield run_check(name, check, place)


def _send(group: str, place: Place, sender: Connection) -> None:
    for result in run_group(group, place):
        sender.send(result)
    sender.send(None)


def run_apart(group: str, place: Place) -> Iterator[Result]:
    """Run a group in a process of its own, which may crash, hang or spoil its CUDA context."""
    context = multiprocessing.get_context('spawn')
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(group, place, sender))
    process.start()
    sender.close()
    end = time.monotonic() + START + PATIENCE * GROUPS[group]
    try:
        while receiver.poll(max(0.0, end - time.monotonic())):
            result = receiver.recv()
            if result is None:
                process.join(60)
                return
            yield result
        yield Result(f'the rest of {group}', 'FAIL', remedy='its process hung and was ended')
    except EOFError:
        process.join()
        code = f'its process ended with code {process.exitcode}: see the messages above'
        yield Result(f'the rest of {group}', 'FAIL', remedy=code)
    finally:
        process.kill()
        process.join()


def report(
    groups: list[str], place: Place, run: Callable[[str, Place], Iterator[Result]]
) -> list[Result]:
    """Run groups, and print a line for each check and the time left after each group."""
    results = []
    start = time.monotonic()
    for number, group in enumerate(groups):
        for result in run(group, place):
            print(f'{result.line()} ({result.seconds:.0f} s)', flush=True)
            results.append(result)
        rest = sum(GROUPS[other] for other in groups[number + 1 :])
        pace = (time.monotonic() - start) / sum(GROUPS[other] for other in groups[: number + 1])
        print(f'-- {group} done, about {math.ceil(rest * pace / 60)} min left', flush=True)
    return results


def write(path: Path, place: Place, results: list[Result]) -> None:
    """Write the results as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    about = dict(machine=platform.platform(), python=platform.python_version(), **asdict(place))
    content = dict(about, results=[asdict(result) for result in results])
    path.write_text(json.dumps(content, indent=2, default=str) + '\n')


def main() -> None:
    args = parse_args()
    if args.device == 'cpu':
        # Before torch looks for GPUs: what the checks call uses one where there is one.
        os.environ['CUDA_VISIBLE_DEVICES'] = ''
    available = torch.cuda.is_available()
    if args.device == 'cuda' and not available:
        sys.exit('error: torch finds no GPU: see nvidia-smi, and install a torch with CUDA')
    place = Place('cuda' if available else 'cpu', args.toy)
    if not available and not args.toy:
        sys.exit('error: there is no GPU here: add --toy to try the checks on the CPU')
    if args.out is not None:
        try:
            write(args.out, place, [])
        except OSError as error:
            sys.exit(f'error: --out {args.out} cannot be written ({error.strerror})')
    results = report(args.groups or list(GROUPS), place, run_apart)
    if args.out is not None:
        write(args.out, place, results)
    count = {name: sum(r.outcome == name for r in results) for name in ('PASS', 'FAIL', 'SKIP')}
    print(', '.join(f'{number} {name}' for name, number in count.items()))
    sys.exit(1 if count['FAIL'] else 0)


if __name__ == '__main__':
    main()
