"""Measure images per second and peak memory of training steps, ours and other libraries'.

All methods share backbone, widths, queue length, optimiser, batch, precision, threads and images,
and their steps run in turn. Two of ours also run in the memory format of their configs, channels
last. RCL refines its hierarchy after every step, as its hook does online. Images are synthetic: one
pattern per cluster, with noise. The number of times that a step encodes an image, with and without
gradient, is counted; each method is compared with the fastest peer of equal counts, and with the
fastest of all. A second table shows how the time of our steps is spent.

With `--input` a method's images come through the input that its library ships, in the same process,
and count in its time. Memory and parts, which do not depend on input, are then left out.
"""

import argparse
import statistics
import tempfile
import time
from collections import defaultdict
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any

import mmrcl.threads  # noqa: F401  before torch

import measure
import torch
from loading import inputs_of
from mmengine.registry import init_default_scope
from peers import HAS_LIGHTLY, PEERS
from training import DTYPES, OURS, Batch, Images, Settings, Training, encodings

METHODS = OURS | PEERS
DISSECTED = ['RCL, channels last', 'instance discrimination, channels last']
PARTS = {
    'model.project': 'encode queries',
    'model.momentum_encoder.update_parameters': 'update momentum encoder',
    'model.extract_keys': 'encode keys',
    'model.head.predictor.forward': 'predict',
    'model.head.loss_module.forward': 'loss',
    'model._remember': 'enqueue',
    'backward': 'backward',
    'update': 'update weights',
    'finish': 'bank and refinement',
}


class Dissection:
    """Training steps of one of our methods, with the seconds of each part, one dict per step."""

    def __init__(self, training: Training, clock: measure.Clock) -> None:
        self.training, self.clock = training, clock
        self.steps: list[dict[str, float]] = []
        for path, part in PARTS.items():
            self._wrap(path, part)
        for number in range(len(training.model.retrievers)):
            self._wrap(f'model.retrievers.{number}.forward', 'retrieve')

    def _wrap(self, path: str, part: str) -> None:
        owner, _, name = path.rpartition('.')
        holder = attrgetter(owner)(self.training) if owner else self.training
        function = getattr(holder, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            results = []
            taken = measure.seconds(lambda: results.append(function(*args, **kwargs)), self.clock)
            self.steps[-1][part] += taken
            return results[0]

        setattr(holder, name, timed)

    def step(self, batch: Batch) -> None:
        """Run one more step; time outside all parts is the rest."""
        self.steps.append(defaultdict(float))
        taken = measure.seconds(partial(self.training.step, batch), self.clock)
        self.steps[-1]['rest'] = taken - sum(self.steps[-1].values())


def memory_job(name: str, settings: Settings) -> measure.Job:
    """Prepare two training steps, for the measurement of memory in its own process."""
    init_default_scope('mmrcl')
    images = Images(settings)

    def run() -> None:
        training = METHODS[name](images, settings)
        for _ in range(2):
            training.step(images.batch)

    return run


Times = dict[str, list[float]]


def over_fastest(times: Times, name: str, rivals: list[str]) -> str:
    """Compute a method's images per second over those of the fastest rival, step by step."""
    fastest = min(rivals, key=lambda rival: statistics.median(times[rival]))
    pairs = zip(times[fastest], times[name], strict=True)
    return measure.quartiles(rival / ours for rival, ours in pairs)


def rate_rows(times: Times, counts: dict[str, tuple[int, int]], batch: int) -> list[dict[str, Any]]:
    """Return one row per method; the ratios are of images per second."""
    return [
        {
            'method': name,
            'encodings with gradient': counts[name][0],
            'without': counts[name][1],
            'images/s': f'{batch / statistics.median(taken):.4g}',
            'over fastest equal peer': over_fastest(times, name, equal_peers(counts, name)),
            'over fastest peer': over_fastest(times, name, list(PEERS)),
        }
        for name, taken in times.items()
    ]


def equal_peers(counts: dict[str, tuple[int, int]], name: str) -> list[str]:
    return [peer for peer in PEERS if counts[peer] == counts[name]]


def step_rows(
    steps: Times, counts: dict[str, tuple[int, int]], settings: Settings
) -> list[dict[str, Any]]:
    """Return the rows of steps without input, with their memory."""
    return [
        row
        | {
            'step [ms]': measure.quartiles(steps[row['method']], 1e3),
            'memory [MiB]': round(measure.peak_memory(memory_job, row['method'], settings)),
        }
        for row in rate_rows(steps, counts, settings.batch)
    ]


def input_rows(
    loads: Times, steps: Times, counts: dict[str, tuple[int, int]], batch: int
) -> list[dict[str, Any]]:
    """Return the rows of input and step together."""
    whole = {
        name: [sum(pair) for pair in zip(loads[name], steps[name], strict=True)] for name in steps
    }
    return [
        row
        | {
            'input [ms]': measure.quartiles(loads[row['method']], 1e3),
            'step [ms]': measure.quartiles(steps[row['method']], 1e3),
            'step alone over fastest equal peer': over_fastest(
                steps, row['method'], equal_peers(counts, row['method'])
            ),
        }
        for row in rate_rows(whole, counts, batch)
    ]


def part_rows(dissections: dict[str, Dissection], warmup: int) -> list[dict[str, object]]:
    """Return each part's milliseconds per step and share, medians without the warm-up steps."""
    rows = []
    parts = dict.fromkeys(part for each in dissections.values() for part in each.steps[-1])
    for part in parts:
        row: dict[str, object] = {'part': part}
        for name, dissection in dissections.items():
            steps = dissection.steps[warmup:]
            shares = [step[part] / sum(step.values()) for step in steps]
            row[f'{name} [ms]'] = measure.quartiles((step[part] for step in steps), 1e3)
            row[f'share of {name}'] = f'{100 * statistics.median(shares):.1f} %'
        rows.append(row)
    return rows


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--steps', type=int, default=20, help='steps of each (default: 20)')
    parser.add_argument('--batch', type=int, default=128, help='images a step (default: 128)')
    parser.add_argument('--size', type=int, default=32, help='pixels a side (default: 32)')
    parser.add_argument(
        '--backbone',
        default='ResNet_CIFAR',
        choices=['ResNet_CIFAR', 'ResNet'],
        help='ResNet-18 with a 3 x 3 stem (default), or with the stem for 224 pixels',
    )
    parser.add_argument('--queue', type=int, default=16_384, help='K (default: 16384)')
    parser.add_argument('--images', type=int, default=60_000, help='N (default: 60000)')
    parser.add_argument(
        '--amp', default='none', choices=['none', *DTYPES], help='autocast (default: none)'
    )
    parser.add_argument(
        '--channels-last', action='store_true', help='layout of weights and images of all methods'
    )
    parser.add_argument(
        '--input', action='store_true', help="with each library's own input, in the same process"
    )
    parser.add_argument(
        '--processor-time',
        action='store_true',
        help='instead of wall time, for --threads 1 on a CPU that does other work',
    )
    parser.add_argument('--threads', type=int, help="on the CPU (default: torch's)")
    parser.add_argument(
        '--out', type=Path, help='CSV file of the methods; FILE_parts.csv beside it has the parts'
    )
    return parser.parse_args()


def time_steps(
    trainings: dict[str, Training], images: Images, count: int, clock: measure.Clock
) -> Times:
    """Time steps on synthetic images, in turn."""
    jobs = {name: lambda each=each: each.step(images.batch) for name, each in trainings.items()}
    return measure.times_in_turn(jobs, count, before=images.draw, clock=clock)


def time_with_input(
    trainings: dict[str, Training],
    images: Images,
    settings: Settings,
    count: int,
    clock: measure.Clock,
) -> tuple[Times, Times]:
    """Time the input and the step of each method, in turn."""
    with tempfile.TemporaryDirectory() as folder:
        inputs = inputs_of(list(trainings), images, settings, Path(folder))
        jobs: dict[str, measure.Job] = {}
        for name, training in trainings.items():
            jobs[f'input of {name}'] = inputs[name].next
            jobs[name] = lambda name=name, each=training: each.step(inputs[name].batch)
        times = measure.times_in_turn(jobs, count, before=images.draw, clock=clock)
    return {name: times[f'input of {name}'] for name in trainings}, {
        name: times[name] for name in trainings
    }


def time_parts(
    trainings: dict[str, Training], images: Images, count: int, clock: measure.Clock
) -> list[dict[str, Any]]:
    """Dissect steps of two of our methods, in turn."""
    dissections = {name: Dissection(trainings[name], clock) for name in DISSECTED}
    for _ in range(1 + count):
        for dissection in dissections.values():
            images.draw()
            dissection.step(images.batch)
    return part_rows(dissections, warmup=1)


def main() -> None:
    args = parse_args()
    if args.threads is not None:
        torch.set_num_threads(args.threads)
    settings = Settings(
        args.backbone,
        args.batch,
        args.size,
        args.queue,
        args.images,
        args.amp,
        args.channels_last,
    )
    clock = time.process_time if args.processor_time else time.perf_counter
    init_default_scope('mmrcl')
    print(f'{measure.machine("mmpretrain", "onedl-mmpretrain", "lightly")}\n{settings}')
    print(f'{args.steps} steps each, in turn; median (quartiles)\n')
    if not HAS_LIGHTLY:
        print("lightly's methods are left out: pip install lightly\n")
    images = Images(settings)
    trainings = {name: build(images, settings) for name, build in METHODS.items()}
    counts = {name: encodings(training, images.batch) for name, training in trainings.items()}
    if args.input:
        loads, steps = time_with_input(trainings, images, settings, args.steps, clock)
        measure.show(input_rows(loads, steps, counts, args.batch), args.out)
        return
    steps = time_steps(trainings, images, args.steps, clock)
    measure.show(step_rows(steps, counts, settings), args.out)
    print()
    parts_out = args.out and args.out.with_stem(f'{args.out.stem}_parts')
    measure.show(time_parts(trainings, images, args.steps, clock), parts_out)


if __name__ == '__main__':
    main()
