"""Write a page that shows the images of a folder in clusters, for any browser."""

import argparse

import mmrcl
from mmrcl.apis import check_new_files

from .arguments import add_encoder_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_encoder_arguments(parser)
    parser.add_argument(
        '--out',
        default='hierarchy_report.html',
        metavar='FILE.html',
        help='page (default: %(default)s)',
    )


def run(args: argparse.Namespace) -> None:
    """Write the page."""
    check_new_files(args.out, ('.html',), args.labels)
    path = mmrcl.write_folder_page(
        args.out,
        args.folder,
        args.checkpoint,
        args.labels,
        args.config,
        args.trust_checkpoint,
    )
    print(f'written: {path}')
