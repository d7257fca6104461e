"""Cluster the images of a folder into a hierarchy, as a table and as arrays.

Writes FILE.csv with a row per image, which has its cluster at each level, and FILE.npz with
features and labels.
"""

import argparse

import mmrcl
from mmrcl.apis import check_new_files

from .arguments import add_encoder_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_encoder_arguments(parser)
    parser.add_argument(
        '--out', default='clusters.csv', metavar='FILE.csv', help='table (default: %(default)s)'
    )


def run(args: argparse.Namespace) -> None:
    """Write both files."""
    check_new_files(args.out, ('.csv', '.npz'), args.labels)
    features = mmrcl.embed_folder(
        args.folder, args.checkpoint, args.labels, args.config, args.trust_checkpoint
    )
    hierarchy = mmrcl.cluster_features(features)
    for path in mmrcl.save_clusters(args.out, features, hierarchy):
        print(f'written: {path}')
