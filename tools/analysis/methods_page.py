"""Fill the page of all methods from the results of their grids.

Copies results, trainings, searches and figures of the grids methods_* and of Fig. 5a's methods from
WORK_DIR to docs, and writes from there the tables of docs/methods.md, each between its two
comments, the last two columns of the table of configs/baselines/README.md, and the figures "(ours)"
of its metafile.yml.
"""

import argparse
import re
import shutil
import sys
from pathlib import Path

import mmrcl.threads  # noqa: F401  before torch

from mmengine.config import Config

from mmrcl.ablations import (
    ArmResult,
    accuracies,
    format_accuracies,
    format_ordering,
    read_grid,
    read_results_csv,
)
from mmrcl.errors import ConfigError

ROOT = Path(__file__).parents[2]
GRIDS = ('methods_digits', 'methods_fashion-mnist')
EPOCHS = 'fig5a-methods_fashion-mnist'
FILLED = ('docs/methods.md', 'configs/baselines/README.md', 'configs/baselines/metafile.yml')
FILES = ('results', 'trainings', 'search')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--work-dir', type=Path, help='of the grids; without, nothing is copied')
    parser.add_argument('--root', type=Path, default=ROOT, help='the repository')
    return parser.parse_args()


def copy_results(work_dir: Path, docs: Path) -> None:
    """Copy the files of the grids that have been run.

    Raises:
        ConfigError: if ``work_dir`` has none.
    """
    found = [(grid, work_dir / grid / f'{name}.csv') for grid in (*GRIDS, EPOCHS) for name in FILES]
    found = [(grid, path) for grid, path in found if path.is_file()]
    if not found:
        raise ConfigError(
            f'--work-dir: {work_dir} has no results of {" or ".join(GRIDS)}: run '
            'tools/analysis/ablation.py with these grids first'
        )
    for grid, path in found:
        shutil.copyfile(path, docs / 'results' / f'{grid}_{path.name}')
        figure = path.with_name('results.png')
        if figure.is_file():
            shutil.copyfile(figure, docs / 'images' / f'{grid}.png')


def filled_page(text: str, name: str, content: str) -> str:
    """Return a page with other content between the comments ``<!-- name -->``, ``<!-- end -->``.

    Raises:
        ConfigError: if the page has no such comments.
    """
    pattern = rf'(<!-- {re.escape(name)} -->\n).*?(<!-- end -->)'
    text, count = re.subn(
        pattern, lambda match: f'{match[1]}\n{content}\n\n{match[2]}', text, flags=re.DOTALL
    )
    if count != 1:
        raise ConfigError(
            f'the page must have <!-- {name} --> once, and <!-- end --> after it, to be filled'
        )
    return text


def filled_row(line: str, cells: list[str]) -> str:
    """Return a row of a Markdown table with other last cells."""
    kept = [cell.strip() for cell in line.split('|')[1:-1]][: -len(cells)]
    return f'| {" | ".join([*kept, *cells])} |'


def filled_metafile(text: str, models: dict[str, ArmResult]) -> str:
    """Return a metafile with other figures of ours, the means over seeds in %.

    Args:
        text: each figure has a line ``METRIC with SHARE % of the labels (ours): FIGURE``.
        models: results by name of the model; figures of others stay.
    """
    arm = None
    lines = text.splitlines(keepends=True)
    for i, line in enumerate(lines):
        if name := re.match(r' *- Name: (\S+)', line):
            arm = models.get(name[1])
        match = re.match(r'( *(kNN|Linear Probe) .* with (\d+) % of the labels \(ours\):)', line)
        if match and arm is not None:
            column = ('knn' if match[2] == 'kNN' else 'linear', int(match[3]))
            lines[i] = f'{match[1]} {_mean(arm, column):.1f}\n'
    return ''.join(lines)


def tables(grid: str, found: dict[str, ArmResult]) -> str:
    """Lay out accuracies with times and settings, what is missing, and the order of methods."""
    arms = list(found.values())
    known = read_grid(ROOT / 'configs/ablations' / f'{grid}.py').arms
    missing = [arm.title for arm in known if arm.name not in found]
    said = [f'Not run yet: {"; ".join(missing)}.'] if missing else []
    order = [format_ordering(arms)] if grid in GRIDS else []
    return '\n\n'.join([format_accuracies(arms), *said, *order])


def figure(arm: ArmResult | None) -> str:
    """Return the accuracy with all labels by kNN and linear probe, the means over seeds in %."""
    if arm is None or not arm.runs:
        return '-'
    return ', '.join(f'{_mean(arm, (name, 100)):.1f}' for name in ('knn', 'linear'))


def _mean(arm: ArmResult, column: tuple[str, int]) -> float:
    return 100 * float(accuracies(arm, column, sorted(arm.runs)).mean())


def trained_models(found: dict[str, ArmResult]) -> dict[str, ArmResult]:
    """Return the results on digits by name of the model, of configs with the chosen setting."""
    grid = read_grid(ROOT / 'configs/ablations/methods_digits.py')
    assert grid.search is not None
    models = {}
    for arm in grid.arms:
        setting = grid.search.settings.get(found[arm.name].setting) if arm.name in found else None
        if setting is None:
            continue
        config = Config.fromfile(arm.config)
        before = config.to_dict()
        config.merge_from_dict(setting)
        if config.to_dict() == before:
            models[arm.config.stem] = found[arm.name]
    return models


def arms_of(grid: str, results: Path) -> dict[str, ArmResult]:
    """Read the results of a grid; none if it has not been run."""
    files = [results / f'{grid}_{name}.csv' for name in FILES[:2]]
    return read_results_csv(*files) if files[0].is_file() else {}


def main() -> None:
    args = parse_args()
    docs = args.root / 'docs'
    page, readme, metafile = (args.root / name for name in FILLED)
    try:
        if args.work_dir is not None:
            copy_results(args.work_dir, docs)
        arms = {grid: arms_of(grid, docs / 'results') for grid in (*GRIDS, EPOCHS)}
        text = page.read_text()
        for grid, found in arms.items():
            if found:
                text = filled_page(text, grid, tables(grid, found))
    except ConfigError as error:
        sys.exit(f'error: {error}')
    page.write_text(text)
    lines = readme.read_text().splitlines()
    for i, line in enumerate(lines):
        if method := re.match(r'\| `([\w-]+)` \| .* \|$', line):
            lines[i] = filled_row(line, [figure(arms[grid].get(method[1])) for grid in GRIDS])
    readme.write_text('\n'.join(lines) + '\n')
    models = trained_models(arms['methods_digits'])
    metafile.write_text(filled_metafile(metafile.read_text(), models))


if __name__ == '__main__':
    main()
