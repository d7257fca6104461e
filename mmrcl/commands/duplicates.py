"""Find near-duplicates among images, and link one of each group.

Writes into DIR: duplicates.csv, a row per image of a group; links/groups, a folder of links per
group to look at; and links/kept, all images without those that one of their group stands for.
"""

import argparse

import mmrcl

from .features_in import add_features_arguments, read_features


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_features_arguments(parser, 'duplicates')
    parser.add_argument(
        '--threshold',
        type=_cosine,
        default=0.95,
        help='smallest cosine of two near-duplicates; what it means depends on the encoder, so '
        'begin low and look at the groups (default: %(default)s)',
    )


def _cosine(text: str) -> float:
    if not -1 < float(text) < 1:
        raise argparse.ArgumentTypeError(f'{text} must be above -1 and below 1')
    return float(text)


def run(args: argparse.Namespace) -> None:
    """Write table and links."""
    found = mmrcl.find_duplicates(read_features(args), args.threshold)
    links = found.link(args.out / 'links')
    table = found.save_csv(args.out / 'duplicates.csv')
    left = len(found.representatives) - len(found.kept)
    print(f'{left:,} of {len(found.representatives):,} images are near-duplicates of one kept')
    print(f'written: {table}, {links}')
