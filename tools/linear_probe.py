"""Linear evaluation on cached features: a sweep of learning rates and weight decays, and kNN.

Uses a config of configs/benchmarks/linear, as the protocol on images does, and reaches about the
same top-1 in a fraction of the time. The setting is selected on held-out training images; the
validation images are scored once, by the classifier of that setting. The optimiser is always SGD
with Nesterov momentum, for the batch size auto_scale_lr.base_batch_size of the config.
"""

import argparse
import csv
import hashlib
import math
import sys
import time
from pathlib import Path
from typing import NamedTuple

import mmrcl.threads  # noqa: F401  before torch

import torch
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import Dataset

from mmrcl.checkpoint import is_whole
from mmrcl.datasets import check_same_classes
from mmrcl.errors import ConfigError, TrainingError
from mmrcl.evaluation import (
    Schedule,
    Setting,
    Sweep,
    accuracy,
    format_table,
    knn_predict,
    sweep_linear_probes,
)
from mmrcl.features import extract_representation, naming_sizes, resumable, unwrapped
from mmrcl.launch import (
    add_common_arguments,
    build_runner,
    check_num_classes,
    check_paths,
    folder_of,
    load_config,
    loading_errors,
    use_pretrained,
)
from mmrcl.progress import progress

Features = dict[str, Tensor]

LRS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
WEIGHT_DECAYS = (0.0, 1e-4)


class Row(NamedTuple):
    """A score: of one setting on held-out images, or linear or kNN on the validation images."""

    metric: str
    lr: float | None = None
    weight_decay: float | None = None
    accuracy: float = 0.0
    cross_entropy: float | None = None


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='path of a config of configs/benchmarks/linear')
    parser.add_argument('checkpoint', help='pretraining checkpoint, or "random"')
    parser.add_argument(
        '--views',
        type=int,
        default=2,
        help='views of each training image, by the training pipeline, to fit on in turn; 0 fits '
        'on the images as they are (default: %(default)s)',
    )
    parser.add_argument('--features', type=Path, help='file in which features are cached')
    parser.add_argument('--lrs', type=float, nargs='+', default=LRS, help='learning rates to try')
    parser.add_argument(
        '--weight-decays', type=float, nargs='+', default=WEIGHT_DECAYS, help='decays to try'
    )
    parser.add_argument('--out', type=Path, help='CSV file for all scores')
    add_common_arguments(parser)
    return parser.parse_args()


def prepare(args: argparse.Namespace) -> Config:
    """Read the config and set the encoder's checkpoint.

    Raises:
        ConfigError: if the arguments or the config are invalid.
    """
    config = load_config(args, folder_of(args.checkpoint))
    check_paths(config, ('train_dataloader', 'val_dataloader'))
    use_pretrained(config, args.checkpoint, args.trust_checkpoint)
    rates_fit = all(0 < lr < math.inf for lr in args.lrs)
    decays_fit = all(0 <= decay < math.inf for decay in args.weight_decays)
    if not (rates_fit and decays_fit and args.views >= 0):
        raise ConfigError(
            '--lrs must be finite and above 0, --weight-decays finite and at least 0, --views at '
            'least 0'
        )
    config.log_level = 'WARNING'
    return config


def features_of(runner: Runner, views: int, cache: Path | None) -> Features:
    """Extract or load features of training images, their views and validation images.

    Raises:
        ConfigError: if the cache is of another checkpoint, data set or setting.
    """
    source = describe(runner.cfg, unwrapped(runner.model).backbone, views)
    if cache is not None and cache.exists():
        return read_cache(cache, source)
    features = extract_all(runner, views)
    if cache is not None and is_main_process():
        cache.parent.mkdir(parents=True, exist_ok=True)
        partial = cache.with_name(f'{cache.name}.partial')
        torch.save(dict(source=source, features=features), partial)
        partial.replace(cache)
    return features


def describe(config: Config, backbone: nn.Module, views: int) -> dict[str, str]:
    """Describe everything that the features depend on; the weights by a hash."""
    digest = hashlib.sha256()
    for tensor in backbone.state_dict().values():
        digest.update(tensor.cpu().numpy().tobytes())
    architecture = {key: value for key, value in config.model.backbone.items() if key != 'init_cfg'}
    return dict(
        checkpoint=digest.hexdigest(),
        backbone=str(architecture),
        data_preprocessor=str(config.data_preprocessor),
        train_dataset=str(config.train_dataloader.dataset),
        val_dataset=str(config.val_dataloader.dataset),
        views=f'{views} of seed {config.randomness.seed}' if views else 'none',
    )


def read_cache(path: Path, source: dict[str, str]) -> Features:
    """Load the features in a file.

    Raises:
        ConfigError: with the first dependency that differs.
    """
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    if not is_whole(path):
        raise ConfigError(f'--features: {path} is no file of features: use another, or delete it')
    saved = torch.load(path, device, weights_only=True)
    found = saved.get('source', {})
    for what, value in source.items():
        if found.get(what) != value:
            raise ConfigError(
                f'--features: {path} is of another {what} ({found.get(what)}, not {value}): '
                'use another file, or delete this one'
            )
    return saved['features']


def extract_all(runner: Runner, views: int) -> Features:
    """Extract features of all images, and of the views of the first training epochs."""
    val = runner.cfg.val_dataloader
    viewed = dict(val, dataset=runner.cfg.train_dataloader.dataset)
    plain = dict(val, dataset=dict(viewed['dataset'], pipeline=val.dataset.pipeline))
    encoder = runner.model
    loaders = [runner.build_dataloader(naming_sizes(loader)) for loader in (plain, val)]
    check_classes(runner.cfg, *(loader.dataset for loader in loaders))
    train, classes = extract_representation(encoder, loaders[0])
    val_features, val_classes = extract_representation(encoder, loaders[1])
    features = dict(train=train, classes=classes, val=val_features, val_classes=val_classes)
    if views:
        loader = runner.build_dataloader(resumable(viewed))
        features['views'] = train.new_empty(views, *train.shape)
        for epoch in range(views):
            loader.sampler.start_at(runner.seed, epoch, 0)
            features['views'][epoch] = extract_representation(encoder, loader)[0]
    return features


def check_classes(config: Config, train: Dataset, val: Dataset) -> None:
    """Reject labels of training and validation images that do not fit each other or the head."""
    settings = 'train_dataloader', 'val_dataloader'
    check_same_classes(train, val, settings)
    for setting, dataset in zip(settings, (train, val), strict=True):
        check_num_classes(config, setting, dataset)


def fit(config: Config, features: Features, settings: list[Setting]) -> Sweep:
    """Select a setting on held-out training images and fit it on all training images."""
    schedule = Schedule(
        epochs=config.train_cfg.max_epochs,
        batch_size=config.auto_scale_lr.base_batch_size,
        seed=config.randomness.seed,
    )
    return sweep_linear_probes(
        features['train'],
        features['classes'],
        config.model.head.num_classes,
        settings,
        schedule,
        views=features.get('views'),
        progress=progress,
    )


def score(features: Features, sweep: Sweep, settings: list[Setting]) -> list[Row]:
    """Collect the held-out scores of each setting, and linear and kNN on validation images."""
    held_out = zip(settings, sweep.accuracies, sweep.losses, strict=True)
    rows = [Row('held-out', *setting, top1, loss) for setting, top1, loss in held_out]
    val, truth = features['val'], features['val_classes']
    nearest = knn_predict(features['train'], features['classes'], val)
    linear = accuracy(sweep.probe.predict(val), truth)
    rows.append(Row('linear', *settings[sweep.best], linear))
    rows.append(Row('knn', accuracy=accuracy(nearest, truth)))
    return rows


def report(rows: list[Row]) -> str:
    """Format the sweep, a row per learning rate, with the selected setting and its scores."""
    *held_out, linear, knn = rows
    table: dict[float | None, list[str]] = {}
    for row in held_out:
        table.setdefault(row.lr, []).append(f'{row.accuracy:.1%} {row.cross_entropy:.3f}')
    decays = dict.fromkeys(f'decay {row.weight_decay:g}' for row in held_out)
    cells = [[f'{rate:g}', *found] for rate, found in table.items()]
    sweep = format_table(['learning rate', *decays], cells)
    lines = ['Top-1 and cross-entropy on held-out training images', '', sweep, '']
    lines.append(
        f'Chosen by cross-entropy: learning rate {linear.lr:g}, decay {linear.weight_decay:g}'
    )
    if len(table) > 1 and linear.lr in (list(table)[0], list(table)[-1]):
        lines.append('This is the end of the range of learning rates: extend it by --lrs')
    lines.append(
        f'Top-1 on the validation images: linear {linear.accuracy:.2%}, kNN {knn.accuracy:.2%}'
    )
    return '\n'.join(lines)


def write_csv(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open('w', newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerows([Row._fields, *rows])


def main() -> None:
    args = parse_args()
    settings = [Setting(lr, decay) for lr in sorted(args.lrs) for decay in args.weight_decays]
    try:
        config = prepare(args)
        runner = build_runner(config, trust=args.trust_checkpoint)
        unwrapped(runner.model).init_weights()
        start = time.perf_counter()
        with loading_errors():
            features = features_of(runner, args.views, args.features)
    except (ConfigError, TrainingError) as error:
        sys.exit(f'error: {error}')
    if not is_main_process():
        return
    extracted = time.perf_counter()
    sweep = fit(config, features, settings)
    rows = score(features, sweep, settings)
    print(report(rows))
    done = time.perf_counter()
    print(f'Features took {extracted - start:.1f} s, classifiers {done - extracted:.1f} s')
    if args.out is not None:
        try:
            write_csv(args.out, rows)
        except OSError as error:
            sys.exit(f'error: {error}')
        print(f'written: {args.out}')


if __name__ == '__main__':
    main()
