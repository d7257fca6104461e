"""Pretrain or train from a config."""

import argparse
import sys

from mmrcl.errors import ConfigError, TrainingError
from mmrcl.launch import (
    add_common_arguments,
    folder_of,
    load_config,
    run_training,
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
    parser.add_argument(
        '--epochs',
        type=int,
        metavar='N',
        help='train for N epochs, with the schedules of the config stretched or shortened to them',
    )
    add_common_arguments(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    try:
        config = load_config(args, folder_of(args.pretrained), args.epochs)
        run_training(
            config,
            args.resume,
            args.amp,
            args.auto_scale_lr,
            args.pretrained,
            args.trust_checkpoint,
        )
    except (ConfigError, TrainingError) as error:
        sys.exit(f'error: {error}')
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == '__main__':
    main()
