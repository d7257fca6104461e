"""Draw views of training images, of one config or of several below each other.

Use it to see what a config's augmentation does, and to compare augmentations. Each row is one
image; its columns are the views of successive epochs.
"""

import argparse
import sys
from pathlib import Path

import torch
from matplotlib.figure import Figure
from mmengine.config import Config
from mmengine.dataset import default_collate
from mmengine.registry import init_default_scope
from torch import Tensor

from mmrcl.datasets import SampleKey, SeededDataset
from mmrcl.errors import ConfigError
from mmrcl.launch import check_overrides, check_paths, check_views, read_config
from mmrcl.registry import MODELS
from mmrcl.visualization import save


def views_of(config: Config, images: range, epochs: int) -> list[Tensor]:
    """Make the views of images, as a training does.

    Returns:
        For each epoch and view a batch of uint8 images, (N, height, width, C) in RGB.
    """
    data = SeededDataset(config.train_dataloader.dataset)
    preprocessor = MODELS.build(config.data_preprocessor)
    # A preprocessor without mean and std does not normalise.
    mean, std = getattr(preprocessor, 'mean', 0), getattr(preprocessor, 'std', 1)
    views = []
    for epoch in range(epochs):
        keys = [SampleKey(config.randomness.seed, epoch, image) for image in images]
        batch = default_collate([data[key] for key in keys])
        for view in preprocessor(batch, True)['inputs']:
            values = (view * std + mean).round().clamp(0, 255)
            views.append(values.to(torch.uint8).movedim(1, -1))
    return views


def draw(rows: dict[str, list[Tensor]], path: Path) -> Path:
    """Draw the views of each config, image below image, and return the path."""
    count, columns = len(next(iter(rows.values()))[0]), max(map(len, rows.values()))
    lines = [(name, views, image) for image in range(count) for name, views in rows.items()]
    figure = Figure(figsize=(columns + 2, len(lines)), layout='constrained')
    axes = figure.subplots(len(lines), columns, squeeze=False)
    for (name, views, image), line in zip(lines, axes, strict=True):
        for view, axis in zip(views, line, strict=False):
            axis.imshow(view[image].squeeze(-1), cmap='gray', vmin=0, vmax=255)
        for axis in line:
            axis.set(xticks=[], yticks=[])
            axis.set_frame_on(False)
        line[0].set_ylabel(name, rotation=0, ha='right', va='center')
    return save(figure, path)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('configs', nargs='+', metavar='CONFIG')
    parser.add_argument('--images', type=int, default=6, help='number of images (default: 6)')
    parser.add_argument('--first', type=int, default=0, help='index of the first (default: 0)')
    parser.add_argument('--epochs', type=int, default=4, help='epochs of each (default: 4)')
    parser.add_argument('--data-root', help='folder of the data instead of that of the configs')
    parser.add_argument('--out', type=Path, default=Path('views.png'), help='figure to write')
    parser.add_argument('--names', nargs='+', help='one for each config (default: file names)')
    args = parser.parse_args()
    args.names = args.names or [Path(path).stem for path in args.configs]
    if len(set(args.names)) != len(args.configs):
        parser.error(f'configs are called {args.names}: pass a --names for each of them')
    return args


def prepare(path: str, data_root: str | None) -> Config:
    """Read a config, with another folder of the data.

    Raises:
        ConfigError: for a config whose views do not fit, or data that is missing.
    """
    config = read_config(path)
    if data_root is not None:
        options = {'train_dataloader.dataset.data_root': data_root}
        check_overrides(config, options)
        config.merge_from_dict(options)
    check_views(config)
    check_paths(config, ['train_dataloader'])
    return config


def main() -> None:
    args = parse_args()
    init_default_scope('mmrcl')
    images = range(args.first, args.first + args.images)
    try:
        configs = [prepare(path, args.data_root) for path in args.configs]
        views = [views_of(config, images, args.epochs) for config in configs]
    except (ConfigError, ValueError) as error:
        sys.exit(f'error: {error}')
    print(draw(dict(zip(args.names, views, strict=True)), args.out))


if __name__ == '__main__':
    main()
