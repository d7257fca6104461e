"""Draw a balanced subset of images by sampling down a hierarchy of clusters.

Writes into DIR: subset.csv, a row per image in the order of drawing, so that the first rows are a
smaller subset; and links, the images below their own folders, for a training.
"""

import argparse

import mmrcl

from .features_in import add_features_arguments, positive, read_features


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_features_arguments(parser, 'subset')
    parser.add_argument('--size', type=positive, required=True, metavar='N', help='images to draw')
    parser.add_argument(
        '--select',
        choices=['random', 'nearest'],
        default='random',
        help='images of a finest cluster: at random, or those nearest to its mean first '
        '(default: %(default)s)',
    )
    parser.add_argument('--seed', type=int, default=0, help='of the draw (default: %(default)s)')


def run(args: argparse.Namespace) -> None:
    """Write table and links."""
    found = mmrcl.balanced_subset(
        read_features(args, args.size), args.size, select=args.select, seed=args.seed
    )
    links = found.link(args.out / 'links')
    print(f'written: {found.save_csv(args.out / "subset.csv")}, {links}')
