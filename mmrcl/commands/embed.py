"""Write the features of the images of a folder.

Writes FILE.npy with a row per image, and FILE.txt with files and classes, as mmrcl.Features.load
and FileFeatures read them.
"""

import argparse

import mmrcl
from mmrcl.apis import check_new_files

from .arguments import add_encoder_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_encoder_arguments(parser)
    parser.add_argument(
        '--out', default='features.npy', metavar='FILE.npy', help='array (default: %(default)s)'
    )


def run(args: argparse.Namespace) -> None:
    """Write the features."""
    check_new_files(args.out, ('.npy', '.txt'), args.labels)
    features = mmrcl.embed_folder(
        args.folder, args.checkpoint, args.labels, args.config, args.trust_checkpoint
    )
    features.save(args.out)
    print(
        f'written: {args.out}, {len(features.paths):,} images of {features.vectors.shape[1]} values'
    )
