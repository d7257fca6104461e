"""Rank images by how unlike all others they are.

Writes into DIR: outliers.csv, a row per image, the most unusual first, with the level of the
hierarchy at which it first shares a cluster; and links, the first of them, named by rank.
"""

import argparse

import mmrcl

from .features_in import add_features_arguments, positive, read_features


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_features_arguments(parser, 'outliers')
    parser.add_argument(
        '--neighbors',
        type=positive,
        default=10,
        metavar='K',
        help='nearest other images that an image is compared with (default: %(default)s)',
    )
    parser.add_argument(
        '--count', type=positive, default=100, help='images to link (default: %(default)s)'
    )


def run(args: argparse.Namespace) -> None:
    """Write table and links."""
    features = read_features(args)
    found = mmrcl.find_outliers(features, args.neighbors, mmrcl.build_hierarchy(features))
    links = found.link(args.out / 'links', args.count)
    print(f'written: {found.save_csv(args.out / "outliers.csv")}, {links}')
