"""Write the encoder of a checkpoint for timm, ONNX and other libraries, with a model card."""

import argparse
import sys
from pathlib import Path

from mmrcl.apis import DEFAULT_FORMATS, EXPORT_FORMATS, export_encoder
from mmrcl.checkpoint import find_checkpoint

from .arguments import add_reading_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``mmrcl export``."""
    parser.add_argument('checkpoint', type=Path, help='a checkpoint, or a work dir for its latest')
    parser.add_argument(
        '--out',
        type=Path,
        metavar='DIR',
        help='new or empty folder (default: encoder, beside the checkpoint)',
    )
    parser.add_argument(
        '--formats',
        nargs='+',
        choices=EXPORT_FORMATS,
        help=f'each must be written; default: what can be of {", ".join(DEFAULT_FORMATS)}',
    )
    add_reading_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Export, print a line for each format, and exit with 1 if one of ``--formats`` was refused.

    Raises:
        ValueError: if there is no checkpoint, or nothing can be exported.
    """
    checkpoint = Path(find_checkpoint(args.checkpoint))
    out = args.out or checkpoint.parent / 'encoder'
    formats = args.formats or DEFAULT_FORMATS
    exported = export_encoder(checkpoint, out, formats, args.config, args.trust_checkpoint)
    print(exported.summary)
    print(f'model card: {out / "README.md"}')
    if args.formats and exported.refused:
        sys.exit(1)
