"""Score an encoder on labelled images, by kNN and a linear probe.

Without --test, every fifth image of a class is scored, by a classifier of all others. An encoder
that was pretrained on this folder has seen these images too, without their classes.
"""

import argparse

import mmrcl
from mmrcl.apis import check_evaluation

from .arguments import add_encoder_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_encoder_arguments(parser)
    parser.add_argument(
        '--test', metavar='FOLDER', help='folder of images to score, in class folders'
    )


def run(args: argparse.Namespace) -> None:
    """Print both accuracies."""
    encoder = dict(checkpoint=args.checkpoint, config=args.config, trust=args.trust_checkpoint)
    check_evaluation(args.folder, args.labels, args.test)
    train = mmrcl.embed_folder(args.folder, labels=args.labels, **encoder)
    if args.test is None:
        train, test = mmrcl.split_features(train)
    else:
        test = mmrcl.embed_folder(args.test, **encoder)
    knn, linear = mmrcl.knn_accuracy(train, test), mmrcl.linear_accuracy(train, test)
    classes = len(set(train.classes or ()))
    print(f'{len(train.paths):,} images to learn {classes} classes, {len(test.paths):,} to score')
    print(f'kNN {knn:.1%}, linear probe {linear:.1%}')
