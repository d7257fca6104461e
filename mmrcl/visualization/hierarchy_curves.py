"""Curves of loss, accuracy, hierarchy, keys, pairs and collapse, from the scalars of runs."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.typing import ColorType

from .curves import Line, Rows, read_run, scalar_line
from .style import COLORS, light_axes, save

__all__ = ['plot_hierarchy_curves']

PANELS = {
    'loss': r'loss',
    'loss of positive pairs': r'positive_part',
    'loss of negative pairs': r'negative_part',
    'kNN accuracy': r'knn/top1',
    'collapse: deviation': r'collapse/deviation',
    'collapse: effective rank': r'collapse/effective_rank',
    'clusters': r'hierarchy/level_(\d+)/clusters',
    'largest cluster [images]': r'hierarchy/level_(\d+)/largest',
    'single images': r'hierarchy/level_(\d+)/singletons',
    'mean size [images]': r'hierarchy/level_(\d+)/mean_size',
    'churn': r'hierarchy/level_(\d+)/churn',
    'AMI with the classes': r'hierarchy/level_(\d+)/ami',
    'purity without singletons': r'hierarchy/level_(\d+)/purity',
    'same-cluster samples of the same class': r'hierarchy/level_(\d+)/same_cluster_precision',
    'nesting conformity': r'hierarchy/nesting_conformity',
    'splits in an iteration': r'splits_level_(\d+)',
    'merges in an iteration': r'merges_level_(\d+)',
    'queries with a retrieved key': r'retrieval_hit_rate',
    'retrieved keys of the same class': r'pairs/key_precision',
    'pairs labelled positive': r'positives_level_(\d+)',
    "mean $P(z'|q_i)$ of all pairs": r'key_probability',
    'pairs attracted': r'attracted_fraction',
    'share of all pairs': r'pairs/(\d+)_of_\d+/share',
    'pairs attracted, the rest repelled': r'pairs/(\d+)_of_\d+/attracted_fraction',
    "mean $P(z'|q_i)$": r'pairs/(\d+)_of_\d+/probability',
}
LOGARITHMIC = (
    'clusters',
    'largest cluster [images]',
    'mean size [images]',
    "mean $P(z'|q_i)$",
    "mean $P(z'|q_i)$ of all pairs",
)
STYLES: Final = ('-', '--', '-.', ':')
COLUMNS = 4


def plot_hierarchy_curves(
    runs: Mapping[str, str | Path], path: str | Path, title: str = 'Loss, hierarchy and pairs'
) -> Path:
    """Draw loss, kNN accuracy, collapse and the monitors' scalars against the epoch.

    Colours are runs. Line styles are levels of the hierarchy or, where pairs are
    grouped by P_c, the number of criteria that label them positive. Panels without
    logged values are left out.

    Args:
        runs: Name of each run and its work_dir.
        path: The figure to write; its suffix chooses the format.
        title: Heading of the figure.

    Returns:
        The path written.

    Raises:
        ValueError: If a run has no scalars, or no run logged any of these.
    """
    rows = {name: read_run(work_dir) for name, work_dir in runs.items()}
    panels = {
        label: {name: _lines(run, pattern) for name, run in rows.items()}
        for label, pattern in PANELS.items()
    }
    panels = {label: lines for label, lines in panels.items() if any(lines.values())}
    if not panels:
        raise ValueError(
            f'none of the runs {list(runs)} logged a loss, an accuracy or a hierarchy: pass the '
            'work_dir of a pretraining'
        )
    width = min(len(panels), COLUMNS)
    height = -(-len(panels) // width)
    figure = Figure(figsize=(4.2 * width, 3.1 * height), layout='constrained')
    grid = list(figure.subplots(height, width, squeeze=False).flat)
    for axes, (label, lines) in zip(grid, panels.items(), strict=False):
        _draw_panel(axes, label, lines)
    for axes in grid[len(panels) :]:
        axes.remove()
    handles = [_legend_entry(name, COLORS[place % len(COLORS)]) for place, name in enumerate(runs)]
    figure.legend(handles=handles, loc='outside lower center', ncols=4, frameon=False)
    figure.suptitle(title, weight='bold')
    return save(figure, path)


def _lines(rows: Rows, pattern: str) -> dict[int, Line]:
    """Collect the lines of a panel, by level or number of criteria; a single line has key 0."""
    names = {name for row in rows for name in row}
    matches = [match for name in names if (match := re.fullmatch(pattern, name))]
    numbered = {int(match[1]) if match.lastindex else 0: match[0] for match in matches}
    return {number: scalar_line(rows, numbered[number]) for number in sorted(numbered)}


def _draw_panel(axes: Axes, label: str, lines: Mapping[str, Mapping[int, Line]]) -> None:
    numbers = sorted({number for run in lines.values() for number in run})
    for place, run in enumerate(lines.values()):
        for number, (epochs, values) in run.items():
            style = STYLES[numbers.index(number) % len(STYLES)]
            marker = 'o' if len(epochs) == 1 else None
            color = COLORS[place % len(COLORS)]
            axes.plot(epochs, values, color=color, linestyle=style, marker=marker)
    axes.set(xlabel='epoch', ylabel=label)
    axes.set_yscale('log' if label in LOGARITHMIC else 'linear')
    axes.set_xlim(left=0)
    light_axes(axes)
    if len(numbers) > 1:
        handles = [_legend_entry(str(number), '0.3', place) for place, number in enumerate(numbers)]
        unit = 'level' if 'level' in PANELS[label] else 'positive by'
        axes.legend(handles=handles, title=unit, frameon=False, fontsize='small')


def _legend_entry(label: str, color: ColorType, style: int = 0) -> Line2D:
    """Make a legend entry."""
    return Line2D([], [], color=color, linestyle=STYLES[style % len(STYLES)], label=label)
