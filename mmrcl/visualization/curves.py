"""Training curves from the scalars that mmengine logs."""

import json
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import COLORS, MARKERS, light_axes, save

__all__ = ['plot_curves', 'read_run', 'read_scalars', 'scalar_line']

Rows = Sequence[Mapping[str, float]]
Line = tuple[list[float], list[float]]


def read_scalars(path: str | Path) -> list[dict[str, float]]:
    """Read mmengine's ``vis_data/scalars.json``: one JSON object a line.

    Raises:
        ValueError: If there is no such file, or a line is not JSON.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(
            f'no scalars at {str(path)!r}: pass vis_data/scalars.json from the time-stamped folder '
            'of a work_dir'
        )
    return [json.loads(line) for line in path.read_text().splitlines()]


def read_run(work_dir: str | Path) -> list[dict[str, float]]:
    """Read the scalars of a run in order, across stops and resumes.

    Each start wrote its own time-stamped folder. Rows of an earlier start that a
    later one logged again are left out.

    Raises:
        ValueError: If no scalars lie below the folder.
    """
    paths = sorted(Path(work_dir).rglob('vis_data/scalars.json'))
    if not paths:
        raise ValueError(
            f'no vis_data/scalars.json below {str(work_dir)!r}: pass the work_dir of a run'
        )
    rows: list[dict[str, float]] = []
    for path in paths:
        later = read_scalars(path)
        begins = min((row['step'] for row in later), default=float('inf'))
        # At its first step, which may end an epoch, the later start may repeat only some rows.
        again = [row.keys() for row in later if row['step'] == begins]
        kept = [row for row in rows if row['step'] <= begins]
        rows = [row for row in kept if row['step'] < begins or row.keys() not in again] + later
    return rows


def scalar_line(rows: Rows, name: str) -> Line:
    """Return the epochs, fractional inside an epoch, and values of the rows that have ``name``.

    The last training row is assumed to end its epoch.
    """
    training = [row for row in rows if 'loss' in row]
    epoch_length = max((row['iter'] / row['epoch'] for row in training), default=1)
    found = [row for row in rows if name in row]
    epochs = [
        row['iter'] / epoch_length if 'loss' in row else row.get('epoch', row['step'])
        for row in found
    ]
    return epochs, [row[name] for row in found]


def plot_curves(
    runs: Mapping[str, str | Path],
    path: str | Path,
    title: str = 'Pretraining',
    references: Mapping[str, float] | None = None,
) -> Path:
    """Draw loss and kNN accuracy of one or more runs against the epoch.

    The loss is ``loss`` of the training rows, the accuracy ``knn/top1`` of the
    rows that have it; panels without rows are left out. The legend shows each
    run's last value.

    Args:
        runs: Name of each run and its ``scalars.json``.
        path: The figure to write; its suffix chooses the format.
        title: Heading of the figure.
        references: Accuracies, 0 to 1, of what is not trained, such as raw pixels:
            horizontal lines in the panel of the kNN accuracy.

    Returns:
        The path written.

    Raises:
        ValueError: If a file cannot be read or no run has a loss or an accuracy.
    """
    rows = {name: read_scalars(scalars) for name, scalars in runs.items()}
    panels = {
        'loss': {name: scalar_line(run, 'loss') for name, run in rows.items()},
        'kNN accuracy': {name: scalar_line(run, 'knn/top1') for name, run in rows.items()},
    }
    panels = {label: lines for label, lines in panels.items() if any(x for x, _ in lines.values())}
    if not panels:
        raise ValueError(f'none of the runs {list(runs)} has a row with loss or knn/top1 to draw')
    figure = Figure(figsize=(5.6 * len(panels), 3.9), layout='constrained')
    for axes, label in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        lines = references if label == 'kNN accuracy' else None
        _draw_panel(axes, label, panels[label], lines or {})
    figure.suptitle(title, weight='bold')
    return save(figure, path)


def _draw_panel(
    axes: Axes, label: str, lines: Mapping[str, Line], references: Mapping[str, float]
) -> None:
    for place, (name, (epochs, values)) in enumerate(lines.items()):
        if epochs:
            color = COLORS[place % len(COLORS)]
            marker = MARKERS[place % len(MARKERS)] if len(epochs) <= 50 else None
            caption = f'{name}, at the end {values[-1]:.4g}'
            axes.plot(epochs, values, color=color, marker=marker, markersize=4, label=caption)
    for style, (name, value) in zip(cycle(('--', ':', '-.')), references.items(), strict=False):
        caption = f'{name}, not trained {value:.4g}'
        axes.axhline(value, color='0.35', linestyle=style, linewidth=1.4, label=caption)
    axes.set(xlabel='epoch', ylabel=label)
    axes.set_xlim(left=0)
    light_axes(axes)
    axes.legend(frameon=False)
