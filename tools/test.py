"""Evaluate a checkpoint.

For a pretraining config: kNN and a linear probe on the frozen features of the backbone, with all
labels and with few. For a classifier: the metrics of its config.
"""

import argparse
import sys
from pathlib import Path

import mmrcl.threads  # noqa: F401  before torch

from mmengine.dist import is_main_process
from mmengine.runner import Runner

from mmrcl.engine import RepresentationTestLoop
from mmrcl.errors import ConfigError, TrainingError
from mmrcl.evaluation import format_results, write_predictions, write_results_csv
from mmrcl.launch import (
    add_common_arguments,
    build_runner,
    load_config,
    loading_errors,
    prepare_test,
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='path of a config')
    parser.add_argument('checkpoint', help='checkpoint of that config')
    parser.add_argument('--out', type=Path, help='CSV file for the scores of a pretraining config')
    parser.add_argument(
        '--predictions',
        type=Path,
        metavar='FILE',
        help='.npz file for the predictions behind the scores, see '
        'mmrcl.evaluation.write_predictions',
    )
    parser.add_argument(
        '--transfer',
        action='store_true',
        help='score on another collection of images than that of the training, as on CIFAR-10 '
        'after training on a folder of yours',
    )
    add_common_arguments(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    try:
        config = load_config(args)
        prepare_test(config, args.checkpoint, args.trust_checkpoint, args.transfer)
        runner = build_runner(config, test=True, trust=args.trust_checkpoint)
        with loading_errors():
            runner.test()
    except (ConfigError, TrainingError) as error:
        sys.exit(f'error: {error}')
    try:
        report(runner, args)
    except OSError as error:
        sys.exit(f'error: {error}')


def report(runner: Runner, args: argparse.Namespace) -> None:
    """Print the scores of a pretraining config, and write them where asked to."""
    if isinstance(runner.test_loop, RepresentationTestLoop) and is_main_process():
        name = Path(args.config).stem
        results = [dict(encoder=name, **score) for score in runner.test_loop.scores]
        print(format_results(results))
        if args.predictions is not None:
            loop = runner.test_loop
            written = write_predictions(args.predictions, loop.predictions, loop.classes)
            print(f'written: {written}')
        if args.out is not None:
            print(f'written: {write_results_csv(args.out, results)}')


if __name__ == '__main__':
    main()
