"""Draw loss, kNN accuracy, collapse, hierarchy and pairs over training for one or more runs.

Reads the scalars that a run logs, across stops and resumes; missing scalars are left out.
"""

import argparse
import sys
from pathlib import Path

from mmrcl.visualization import plot_hierarchy_curves


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('work_dirs', nargs='+', type=Path, metavar='WORK_DIR')
    parser.add_argument(
        '--names', nargs='+', help='one for each run (default: the names of the folders)'
    )
    parser.add_argument(
        '--out', type=Path, help='figure to write (default: monitoring.png in the first WORK_DIR)'
    )
    args = parser.parse_args()
    names = args.names or [path.resolve().name for path in args.work_dirs]
    if len(set(names)) != len(args.work_dirs):
        parser.error(f'{len(args.work_dirs)} runs are called {names}: pass a --names for each')
    args.runs = dict(zip(names, args.work_dirs, strict=True))
    args.out = args.out or args.work_dirs[0] / 'monitoring.png'
    return args


def main() -> None:
    args = parse_args()
    try:
        print(plot_hierarchy_curves(args.runs, args.out))
    except ValueError as error:
        sys.exit(f'error: {error}')


if __name__ == '__main__':
    main()
