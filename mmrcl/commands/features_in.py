"""What the subcommands on features share: images with an encoder or saved features, and --out."""

import argparse
from pathlib import Path

from mmrcl.apis import Features, check_outside, check_unused, embed_folder, image_files
from mmrcl.errors import ConfigError

from .arguments import add_reading_arguments


def add_features_arguments(parser: argparse.ArgumentParser, default_out: str) -> None:
    """Add images or features, the encoder, and the folder to write."""
    parser.add_argument('images', help='folder of images, or features saved as FILE.npy')
    parser.add_argument(
        'checkpoint',
        nargs='?',
        help='checkpoint, or work dir of a run for its newest one, if images are a folder',
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=Path(default_out),
        metavar='DIR',
        help='new or empty folder for the table and the links (default: %(default)s)',
    )
    add_reading_arguments(parser)


def positive(text: str) -> int:
    """Read a whole number above 0."""
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text} must be at least 1')
    return int(text)


def read_features(args: argparse.Namespace, least: int = 1) -> Features:
    """Check the folder to write, then read or make the features of ``least`` images or more.

    Raises:
        ConfigError: for a folder of images without an encoder, an encoder for features, fewer
            images, or ``--out`` that lies among them or cannot be written.
        FileExistsError: if ``--out`` is in use.
    """
    check_unused(args.out)
    saved = Path(args.images).suffix == '.npy'
    if saved and args.checkpoint:
        raise ConfigError(f'{args.images} holds features: leave the checkpoint out')
    if saved:
        return Features.load(args.images)
    if not args.checkpoint:
        raise ConfigError(
            f'name the checkpoint of an encoder after {args.images}, or features saved as FILE.npy '
            'instead of the folder'
        )
    check_outside(args.out, args.images)
    count = len(image_files(args.images))
    if count < least:
        raise ConfigError(f'{args.images} has {count} images, fewer than the {least} asked for')
    return embed_folder(
        args.images, args.checkpoint, config=args.config, trust=args.trust_checkpoint
    )
