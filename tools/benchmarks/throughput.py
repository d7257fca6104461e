"""Times training steps of RCL with online refinement against those of NNCLR's positive.

Both come from the CIFAR-10 configs and share backbone, neck, queue, batch and images; RCL adds a
second key, two predictors, two criteria and the hierarchy, which is refined after every step as the
hook does it. Images are synthetic: one pattern for each cluster, with noise. The steps run in
turn, and a second table says where they spend their time.
"""

import argparse
import statistics
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import measure
import torch
from clustering import device, imagenet_like
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmpretrain.structures import DataSample
from torch import Tensor
from torch.nn.functional import interpolate

from mmrcl.clustering import LabelHierarchy
from mmrcl.registry import HOOKS, MODELS

CONFIGS = Path(__file__).parents[2] / 'configs'
METHODS = {
    'RCL': CONFIGS / 'rcl/rcl_resnet18_1xb256-coslr-200e_cifar10.py',
    "NNCLR's positive": CONFIGS / 'baselines/nnclr-positive_resnet18_1xb256-coslr-200e_cifar10.py',
}
PARTS = {
    'project': 'encode queries',
    'extract_keys': 'encode keys',
    '_compare': 'retrieve, predict, loss',
    '_remember': 'enqueue',
}


class Images:
    """Draws batches of two noisy views; images of one cluster share a pattern."""

    def __init__(self, hierarchy: LabelHierarchy, batch: int, size: int) -> None:
        self.hierarchy = hierarchy
        self.batch = batch
        self.size = size
        self.patterns = torch.randn(hierarchy.num_samples, 3, 4, 4)

    def draw(self, seed: int) -> tuple[list[Tensor], list[DataSample]]:
        """Two views and their samples."""
        generator = torch.Generator().manual_seed(seed)
        drawn = torch.randperm(self.hierarchy.num_samples, generator=generator)[: self.batch]
        pattern = self.patterns[self.hierarchy.labels[-1].cpu()[drawn]]
        views = []
        for _ in range(2):
            noisy = pattern + 0.5 * torch.randn(pattern.shape, generator=generator)
            views.append(interpolate(noisy, self.size, mode='bilinear').to(device()))
        samples = [DataSample() for _ in range(self.batch)]
        for sample, index in zip(samples, drawn.tolist(), strict=True):
            sample.set_field(index, 'sample_idx', field_type='metainfo')
        return views, samples


class Training:
    """Steps of one config on given batches, with the seconds that each part takes."""

    def __init__(self, path: Path, hierarchy: LabelHierarchy, args: argparse.Namespace) -> None:
        config = Config.fromfile(path)
        config.model.queue.length = args.queue
        config.model.backbone.type = args.backbone
        torch.manual_seed(0)
        self.model = MODELS.build(config.model).to(device()).train()
        self.optimizer = build_optim_wrapper(self.model, config.optim_wrapper)
        self.seconds: dict[str, list[float]] = defaultdict(list)
        for name, part in PARTS.items():
            setattr(self.model, name, self.timed(part, getattr(self.model, name)))
        average = self.model.momentum_encoder
        average.update_parameters = self.timed('momentum encoder', average.update_parameters)
        self.hook = None
        if self.model.hierarchy is not None:
            self.model.hierarchy.load_state_dict(hierarchy.state_dict())
            self.hook = HOOKS.build(config.custom_hooks[0])
            self.hook.refiner.calibrate(self.model.hierarchy)
        self.runner = SimpleNamespace(
            model=self.model, message_hub=MessageHub.get_current_instance()
        )

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which notes its time."""

        def call(*args: Any) -> Any:
            results = []
            self.seconds[part].append(measure.seconds(lambda: results.append(function(*args))))
            return results[0]

        return call

    def fill_queue(self, images: Images) -> None:
        """As after the first epochs: no slot is empty."""
        queue, hierarchy = self.model.queue, images.hierarchy
        indices = torch.arange(queue.length, device=device()) % hierarchy.num_samples
        queue.enqueue(hierarchy.bank[indices], indices)

    def step(self, views: list[Tensor], samples: list[DataSample]) -> None:
        """Forward, backward, update, and what the hook does after it."""
        loss = self.model.loss(views, samples)['loss']
        self.timed('backward', loss.backward)()
        self.timed('update weights', self._update)()
        if self.hook is not None:
            self.timed('bank and refinement', self.hook.after_train_iter)(self.runner, 0)

    def _update(self) -> None:
        self.optimizer.step()
        self.optimizer.zero_grad()


def part_rows(trainings: dict[str, Training], steps: int) -> list[dict[str, object]]:
    """Milliseconds of each part in a step."""
    totals = {
        name: {part: 1e3 * sum(times) / steps for part, times in training.seconds.items()}
        for name, training in trainings.items()
    }
    parts = list(totals['RCL'])
    return [
        {'part': part}
        | {f'{name} [ms]': round(total.get(part, 0.0), 1) for name, total in totals.items()}
        for part in parts
    ]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--steps', type=int, default=40, help='steps of each (default: 40)')
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
    parser.add_argument('--out', type=Path, help='CSV file to write')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    init_default_scope('mmrcl')
    # The schedule of the momentum encoder asks for it.
    MessageHub.get_current_instance().update_info('max_iters', 10_000)
    hierarchy = imagenet_like(args.images, 128, 'float32')
    images = Images(hierarchy, args.batch, args.size)
    trainings = {name: Training(path, hierarchy, args) for name, path in METHODS.items()}
    for training in trainings.values():
        training.fill_queue(images)
    times: dict[str, list[float]] = defaultdict(list)
    for number in range(args.steps + 2):
        if number == 2:  # the first two do not count
            times.clear()
            for training in trainings.values():
                training.seconds.clear()
        batch = images.draw(number)
        for name, training in trainings.items():
            times[name].append(measure.seconds(partial(training.step, *batch)))
    ratios = [a / b for a, b in zip(*times.values(), strict=True)]
    print(f'{measure.machine()}\n{args.steps} steps each, in turn, of {args.batch} images\n')
    rows = [
        {'method': name, 'step [ms]': measure.spread(taken, 1e3)} for name, taken in times.items()
    ]
    measure.show(rows, None)
    print(f'\nRCL over NNCLR, pair by pair: {measure.spread(ratios)}')
    print(f'mean {statistics.mean(ratios):.3f}\n')
    measure.show(part_rows(trainings, args.steps), args.out)


if __name__ == '__main__':
    main()
