"""Pretrain or train from a config."""

import argparse
import sys

from mmrcl.errors import ConfigError, TrainingError
from mmrcl.launch import (
    add_common_arguments,
    build_runner,
    folder_of,
    load_config,
    prepare_training,
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='path of a config')
    parser.add_argument(
        '--pretrained',
        metavar='CHECKPOINT',
        help='pretraining checkpoint that a config of configs/benchmarks starts from, or "random"',
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='resume from a checkpoint; by default from the latest in the work dir',
    )
    parser.add_argument(
        '--amp',
        nargs='?',
        const='float16',
        choices=['float16', 'bfloat16'],
        help='train in mixed precision, by default in float16, which needs a GPU',
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate by the global batch (all processes, accumulated gradients '
        'included) over auto_scale_lr.base_batch_size',
    )
    add_common_arguments(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    try:
        config = load_config(args, folder_of(args.pretrained))
        prepare_training(config, args.resume, args.amp, args.auto_scale_lr, args.pretrained)
        runner = build_runner(config, train=True)
    except ConfigError as error:
        sys.exit(f'error: {error}')
    try:
        runner.train()
    except (ConfigError, TrainingError) as error:
        sys.exit(f'error: {error}')


if __name__ == '__main__':
    main()
