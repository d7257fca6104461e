"""Pretrain an encoder on a folder of images.

Chooses all settings by images and machine, prints them with their reasons, and writes them into
OUT/config.py, which tools/train.py reads too. The same command again continues a run that was
interrupted.
"""

import argparse

import mmrcl

from .arguments import add_labels_argument


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of :func:`mmrcl.pretrain`."""
    parser.add_argument('folder', help='folder of images, at any depth')
    parser.add_argument('--out', required=True, help='work dir: config, logs, checkpoints, page')
    parser.add_argument(
        '--model',
        default='resnet18',
        metavar='NAME',
        help='backbone: resnet18, resnet50, vit_tiny, vit_small, timm:NAME or torchvision:NAME '
        '(default: %(default)s)',
    )
    parser.add_argument(
        '--epochs',
        type=int,
        metavar='N',
        help='length of the training, which all schedules follow; by default by number of images',
    )
    parser.add_argument(
        '--method',
        default='rcl',
        metavar='NAME',
        help='rcl, instance-discrimination or nnclr-positive (default: %(default)s)',
    )
    add_labels_argument(parser)
    parser.add_argument(
        '--init', metavar='FILE', help='weights that the backbone starts from, of this backbone'
    )
    parser.add_argument('--dry-run', action='store_true', help='print the choices, write nothing')


def run(args: argparse.Namespace) -> None:
    """Pretrain."""
    mmrcl.pretrain(
        args.folder,
        args.out,
        model=args.model,
        epochs=args.epochs,
        method=args.method,
        labels=args.labels,
        init=args.init,
        dry_run=args.dry_run,
    )
