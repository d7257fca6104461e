"""Write the annotation file of 1 % or 10 % of ImageNet's labels, for semi-supervised evaluation.

Either from a published list, so that results are comparable:

    python tools/data/imagenet_subset.py data/imagenet --percent 1 --list 1percent.txt

writes data/imagenet/meta/train_1pct.txt. SimCLR's lists, 1percent.txt and 10percent.txt, which SwAV
and others take too, are at
    https://github.com/google-research/simclr/tree/master/imagenet_subsets
Or as a class-balanced draw of our own:

    python tools/data/imagenet_subset.py data/imagenet --percent 1 --seed 0

writes data/imagenet/meta/train_1pct_balanced_seed0.txt. Labels are the positions of the sorted
class folders of data/imagenet/train.
"""

import argparse
import os
import sys
from collections import Counter
from pathlib import Path

import mmrcl.threads  # noqa: F401  before torch

import torch
from mmpretrain.datasets import ImageNet

from mmrcl.datasets import stratified_subset
from mmrcl.errors import ConfigError
from mmrcl.launch import PUBLISHED_LISTS, class_folders, missing_pieces
from mmrcl.progress import progress

PUBLISHED_SIZES = {1: 12811, 10: 128116}


def read_classes(root: Path) -> list[str]:
    """List the class folders, whose positions are the labels."""
    every_class = dict(type='ImageNet', data_root=str(root), data_prefix='train')
    if missing := missing_pieces([every_class]):
        raise ConfigError(missing[0])
    return class_folders(str(root / 'train'))


def read_list(path: Path, percent: float) -> list[str]:
    """Read a published list as ``CLASS/FILE``; the list may leave out the folder."""
    if not path.is_file():
        raise ConfigError(f'--list {path} does not exist: download it from {PUBLISHED_LISTS}')
    names = [Path(line.strip()).name for line in path.read_text().splitlines() if line.strip()]
    size = PUBLISHED_SIZES.get(percent, len(names))
    if len(names) != size:
        raise ConfigError(
            f'{path} has {len(names):,} lines, and the published {percent:g} % has {size:,}: '
            f'correct --percent, or download it again from {PUBLISHED_LISTS}'
        )
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated or not names:
        problem = f'names {repeated[0]} more than once' if repeated else 'is empty'
        raise ConfigError(f'{path} {problem}: download it again from {PUBLISHED_LISTS}')
    return [f'{name.split("_")[0]}/{name}' for name in names]


def check_files(root: Path, files: list[str]) -> None:
    """Reject files that are not among the training images."""
    absent = [
        file
        for file in progress(files, 'looking for the files of the list')
        if not (root / 'train' / file).is_file()
    ]
    if absent:
        raise ConfigError(
            f'{len(absent):,} of {len(files):,} files of the list are not below {root / "train"}, '
            f'the first is {absent[0]}: check that the data set is ILSVRC2012 and complete'
        )


def is_image(file: str) -> bool:
    """Return whether a file is an image that the data set reads."""
    return file[0] != '.' and file.lower().endswith(ImageNet.IMG_EXTENSIONS)


def draw(root: Path, classes: list[str], percent: float, seed: int) -> list[str]:
    """Draw a class-balanced subset of the training images, as ``CLASS/FILE``."""
    files, labels = [], []
    for label, name in enumerate(progress(classes, 'listing the training images')):
        found = os.listdir(root / 'train' / name)
        images = sorted(file for file in found if is_image(file))
        files += [f'{name}/{file}' for file in images]
        labels += [label] * len(images)
    return [files[i] for i in stratified_subset(torch.tensor(labels), percent / 100, seed)]


def write_annotations(path: Path, files: list[str], classes: list[str], overwrite: bool) -> None:
    """Write a line with file and label for each image."""
    label_of = {name: label for label, name in enumerate(classes)}
    lines = [f'{file} {label_of[file.split("/")[0]]}\n' for file in files]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open('w' if overwrite else 'x') as target:
        target.writelines(lines)


def make_subset(args: argparse.Namespace) -> tuple[Path, int]:
    """Write the annotation file, and return its path and number of images."""
    kind = '' if args.seed is None else f'_balanced_seed{args.seed}'
    path = args.root / 'meta' / f'train_{args.percent:g}pct{kind}.txt'
    if path.exists() and not args.overwrite:
        raise ConfigError(f'{path} exists already: use --overwrite to replace it')
    classes = read_classes(args.root)
    if args.seed is None:
        files = read_list(args.list, args.percent)
        check_files(args.root, files)
    else:
        files = draw(args.root, classes, args.percent, args.seed)
    write_annotations(path, files, classes, args.overwrite)
    return path, len(files)


def share(text: str) -> float:
    """Parse a share in percent."""
    if not 0 < float(text) <= 100:
        raise argparse.ArgumentTypeError(f'{text} must be a percentage in (0, 100], as 1 or 10')
    return float(text)


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('root', type=Path, help='folder of ImageNet, with train/ in it')
    parser.add_argument('--percent', type=share, required=True, help='share of the labels')
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument('--list', type=Path, help='published list, a file name a line')
    source.add_argument('--seed', type=int, help='seed of a class-balanced draw of our own')
    parser.add_argument('--overwrite', action='store_true', help='replace an existing file')
    return parser.parse_args(arguments)


def main() -> None:
    try:
        path, count = make_subset(parse_args())
    except ConfigError as error:
        sys.exit(f'error: {error}')
    print(f'{path}: {count:,} images')


if __name__ == '__main__':
    main()
