"""Count kernels and waits of training steps and refinements on a pretended GPU.

    steps       one step of RCL, of NNCLR's positive and of NNCLR as their ImageNet configs train,
                in one process, and of RCL in two, whose batch norms are synchronised
    refinement  update of the bank and one refinement of a batch, for two shapes of clusters

`pretended_device.py` says what a kernel and a wait are. The backward pass is not counted. Images
are small, which changes no count, and everything runs in float32 unless `--amp` is given.
`--places` lists the lines of code that wait.

`tests/test_benchmarks/kernels.csv` has the counts as bounds: a test fails when one grows. After a
change that lowers one, or that is worth more of them, write it anew by

    python tools/benchmarks/kernels.py bounds --out tests/test_benchmarks/kernels.csv
"""

import argparse
import os
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import mmrcl.threads  # noqa: F401  before torch

import measure
import torch
from pretended_device import PretendedDevice
from pretended_refinement import SHAPES, count_refinement
from pretended_step import METHODS, Size, count_step
from torch import distributed, multiprocessing

Row = dict[str, Any]
Count = Callable[[PretendedDevice], None]
Counted = tuple[list[Row], dict[str, int]]
Cases = dict[str, Callable[[], Counted]]
TWO = 'rcl on two ranks'


def counted(case: str, count: Count) -> Counted:
    """Return a row for each phase of a case, and the number of waits at each line of code."""
    device = PretendedDevice()
    count(device)
    phases = dict.fromkeys([*device.kernels, *device.waits])
    counts = [(phase, device.kernels[phase], device.waits[phase]) for phase in phases]
    rows = [dict(case=case, phase=name, kernels=k, waits=w) for name, k, w in counts]
    return rows, dict(device.places)


def one_process(size: Size, amp: str) -> Cases:
    return {name: partial(counted, name, partial(count_step, name, size, amp)) for name in METHODS}


def refinements(samples: int, batch: int) -> Cases:
    cases = {}
    for shape in SHAPES:
        case = f'refinement of {shape}'
        cases[case] = partial(counted, case, partial(count_refinement, shape, samples, batch))
    return cases


def two_processes(size: Size, amp: str) -> Cases:
    return {TWO: partial(count_two_processes, size, amp)}


def count_two_processes(size: Size, amp: str) -> Counted:
    """Count a step of RCL in the first of two processes; gloo stands for NCCL."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    context = multiprocessing.get_context('spawn')
    results = context.SimpleQueue()
    multiprocessing.start_processes(_rank, (port, size, amp, results), nprocs=2)
    found: Counted = results.get()
    return found


def _rank(rank: int, port: int, size: Size, amp: str, results: Any) -> None:
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port))
    distributed.init_process_group('gloo', rank=rank, world_size=2)
    found = counted(TWO, partial(count_step, 'rcl', size, amp))
    if rank == 0:
        results.put(found)
    distributed.destroy_process_group()


def bounded() -> Cases:
    """Return the cases of the bounds; their sizes take seconds."""
    return (
        one_process(Size(), 'none')
        | refinements(samples=20_000, batch=256)
        | two_processes(Size(), 'none')
    )


def with_sum(rows: list[Row]) -> list[Row]:
    """Append the sums of all phases."""
    sums = {name: sum(row[name] for row in rows) for name in ('kernels', 'waits')}
    return [*rows, dict(case=rows[0]['case'], phase='all', **sums)]


def steps(args: argparse.Namespace) -> Cases:
    size = Size(args.batch, args.pixels, args.queue, args.samples)
    return one_process(size, args.amp) | two_processes(size, args.amp)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = parser.add_subparsers(dest='part', required=True)
    step = parts.add_parser('steps')
    step.set_defaults(cases=steps)
    defaults = Size()
    for name, meaning in dict(
        batch='images of a process', pixels='height and width', queue='K', samples='N'
    ).items():
        value = getattr(defaults, 'images' if name == 'samples' else name)
        step.add_argument(f'--{name}', type=int, default=value, help=f'{meaning} ({value})')
    step.add_argument('--amp', default='none', choices=['none', 'bfloat16', 'float16'])
    refinement = parts.add_parser('refinement')
    refinement.set_defaults(cases=lambda args: refinements(args.samples, args.batch))
    refinement.add_argument('--samples', type=int, default=1_281_167, help='N (1281167)')
    refinement.add_argument('--batch', type=int, default=4096, help='images of a step (4096)')
    parts.add_parser('bounds').set_defaults(cases=lambda args: bounded())
    for part in parts.choices.values():
        part.add_argument('--places', action='store_true', help='list the lines that wait')
        part.add_argument('--out', type=Path, help='CSV file to write')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    print(f'{measure.machine("mmpretrain", "onedl-mmpretrain")}; the GPU is a pretended one\n')
    table: list[Row] = []
    for case, count in args.cases(args).items():
        rows, places = count()
        table += rows if args.part == 'bounds' else with_sum(rows)
        if args.places:
            print(f'{case}:')
            for place, number in sorted(places.items(), key=lambda item: -item[1]):
                print(f'{number:6d} {place}')
    measure.show(table, args.out)


if __name__ == '__main__':
    main()
