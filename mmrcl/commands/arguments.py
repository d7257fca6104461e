"""Arguments that several subcommands share."""

import argparse

from mmrcl.launch import add_trust_argument


def add_encoder_arguments(parser: argparse.ArgumentParser) -> None:
    """Add a folder, the encoder that looks at it, and labels."""
    parser.add_argument('folder', help='folder of images, at any depth')
    parser.add_argument('checkpoint', help='checkpoint, or work dir of a run for its newest one')
    add_labels_argument(parser)
    add_reading_arguments(parser)


def add_reading_arguments(parser: argparse.ArgumentParser) -> None:
    """Add how a checkpoint is read: its config, and whether it is trusted."""
    parser.add_argument(
        '--config', metavar='FILE', help='config of the training; default: that in the checkpoint'
    )
    add_trust_argument(parser)


def add_labels_argument(parser: argparse.ArgumentParser) -> None:
    """Add a file of labels."""
    parser.add_argument(
        '--labels',
        metavar='FILE',
        help='text with a line FILE,CLASS per labelled image, its path below the folder; by '
        'default the class of an image is its first folder, if all lie in one',
    )
