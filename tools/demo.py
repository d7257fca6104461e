"""RCL from images to evaluated representation on scikit-learn's digits, in a few minutes on a CPU.

Pretrains RCL and, with the same budget, the own-view baseline; scores raw pixels, an untrained
encoder and both by kNN and a linear probe with 1 %, 10 % and 100 % of the labels; draws curves, a
t-SNE and a gallery of clusters.
"""

import argparse
import contextlib
import io
import logging
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from mmrcl.engine.extraction import Extracted, backbone_features, extract
from mmrcl.engine.launch import build_runner
from mmrcl.evaluation import evaluate_representation, format_results, write_results_csv
from mmrcl.evaluation.representation import Result
from mmrcl.visualization import plot_cluster_gallery, plot_curves, plot_tsne

CONFIGS = Path(__file__).parents[1] / 'configs'
RCL = CONFIGS / 'rcl/rcl_resnet18_1xb128-coslr-40e_digits.py'
OWN_VIEW = CONFIGS / 'baselines/own-view_resnet18_1xb128-coslr-40e_digits.py'
TITLES = dict(pixels='raw pixels', untrained='untrained', own_view='own view', rcl='RCL')


class EpochLine(Hook):
    """Prints one line for every few epochs."""

    priority = 'VERY_LOW'

    def __init__(self, interval: int) -> None:
        self.interval = interval

    def before_train(self, runner: Runner) -> None:
        self.start = time.time()

    def after_train_epoch(self, runner: Runner) -> None:
        done = runner.epoch + 1
        if done % self.interval and done != runner.max_epochs:
            return
        spent = time.time() - self.start
        left = spent / done * (runner.max_epochs - done)
        loss = runner.message_hub.get_scalar('train/loss').mean(len(runner.train_dataloader))
        line = f'  epoch {done:3d}/{runner.max_epochs}  loss {loss:.3f}'
        if 'train/retrieval_hit_rate' in runner.message_hub.log_scalars:
            rate = runner.message_hub.get_scalar('train/retrieval_hit_rate')
            line += f'  keys found {rate.mean(len(runner.train_dataloader)):.0%}'
        print(f'{line}  {spent:.0f} s, {left:.0f} s left', flush=True)


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    """Names a step and tells how long it took."""
    print(f'\n{title}', flush=True)
    start = time.time()
    yield
    print(f'  done in {time.time() - start:.0f} s', flush=True)


def make_runner(path: Path, work_dir: Path, epochs: int | None) -> Runner:
    """A runner whose full log goes to files and whose warnings alone go to the console."""
    config = Config.fromfile(path)
    config.work_dir = str(work_dir)
    config.launcher = 'none'
    if epochs is not None:
        config.train_cfg.max_epochs = epochs
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        runner = build_runner(config, train=True)
    for handler in runner.logger.handlers:
        if not isinstance(handler, logging.FileHandler):
            handler.setStream(sys.stdout)
            handler.setLevel(logging.WARNING)
    runner.register_hook(EpochLine(max(1, runner.max_epochs // 10)))
    return runner


def encode(runner: Runner) -> list[Extracted]:
    """Backbone features of the training and the test images."""
    loaders = (runner.cfg.plain_train_dataloader, runner.cfg.test_dataloader)
    return [
        extract(
            runner.model,
            lambda images: backbone_features(runner.model, images),
            runner.build_dataloader(loader),
        )
        for loader in loaders
    ]


def pixels(runner: Runner) -> list[Extracted]:
    """The images themselves as features, 8 x 8 = 64 numbers each."""
    found = []
    for loader in (runner.cfg.plain_train_dataloader, runner.cfg.test_dataloader):
        images, labels = raw_images(runner, loader)
        flat = torch.from_numpy(images).flatten(1).float() / 255
        found.append(Extracted(flat, labels))
    return found


def raw_images(runner: Runner, loader: dict) -> tuple[np.ndarray, Tensor]:
    """Images (N, 8, 8) uint8 and classes (N,) of a loader's data set."""
    dataset = runner.build_dataloader(loader).dataset
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    images = np.stack([info['img'] for info in infos])
    return images, torch.tensor([info['gt_label'] for info in infos])


def scalars_of(work_dir: Path) -> Path:
    """The file of logged numbers of the latest run in ``work_dir``."""
    return max(work_dir.rglob('vis_data/scalars.json'), key=lambda path: path.stat().st_mtime)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/demo'))
    parser.add_argument('--epochs', type=int, help='epochs of each pretraining, as in the configs')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    start = time.time()
    features: dict[str, list[Extracted]] = {}
    runner = make_runner(RCL, args.work_dir / 'rcl', args.epochs)
    images, classes = raw_images(runner, runner.cfg.plain_train_dataloader)
    print(f'{len(images)} handwritten digits of 8 x 8 pixels to learn from, without labels')
    features['pixels'] = pixels(runner)
    features['untrained'] = encode(runner)

    with step(f'Pretraining the own-view baseline ({OWN_VIEW.name})'):
        baseline = make_runner(OWN_VIEW, args.work_dir / 'own_view', args.epochs)
        baseline.train()
        features['own_view'] = encode(baseline)
    with step(f'Pretraining RCL ({RCL.name})'):
        runner.train()
        features['rcl'] = encode(runner)

    with step('Scoring frozen features by kNN and a linear probe'):
        results: list[Result] = []
        for name, (train, test) in features.items():
            scores = evaluate_representation(*train, *test, seeds=range(10))
            results += [Result(encoder=name, **score) for score in scores]
        table = write_results_csv(args.work_dir / 'results.csv', results)
    print(f'\n{format_results(results)}')
    print('(1 % and 10 % of the labels: mean of 10 class-balanced draws)')

    with step('Drawing'):
        names = [str(digit) for digit in range(10)]
        figures = [
            plot_curves(
                {
                    TITLES[name]: scalars_of(args.work_dir / name) for name in ('own_view', 'rcl')
                },
                args.work_dir / 'curves.png',
                warmup_epochs=runner.cfg.custom_hooks[0].warmup_epochs,
                title='Pretraining on digits',
            ),
            plot_tsne(
                {TITLES[name]: test.features for name, (_, test) in features.items()},
                features['rcl'][1].classes,
                names,
                args.work_dir / 'tsne.png',
                title='t-SNE of the test digits, coloured by class',
            ),
            plot_cluster_gallery(
                images,
                runner.model.hierarchy.labels,
                args.work_dir / 'clusters.png',
                classes,
                names,
            ),
        ]

    print(f'\nDone in {time.time() - start:.0f} s. Everything is in {args.work_dir}:')
    print(f'  {table}  the table above')
    for figure, what in zip(
        figures, ('loss and kNN accuracy', 't-SNE', 'clusters at each level'), strict=True
    ):
        print(f'  {figure}  {what}')
    for name in ('own_view', 'rcl'):
        print(f'  {args.work_dir / name}/  log and checkpoints: {TITLES[name]}')


if __name__ == '__main__':
    main()
