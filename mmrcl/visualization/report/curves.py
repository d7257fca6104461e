"""Which logged numbers are drawn together."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

__all__ = ['Line', 'Panel', 'curve_panels']

MAX_POINTS = 600
_LEVELS = re.compile(r'hierarchy/(?:level_(\d+)/)?(.+)')
_OTHERS = (
    (r'loss|positive_part|negative_part', 'Loss and its parts'),
    (r'knn/.+', 'kNN accuracy'),
    (r'retrieval_hit_rate', 'Queries for which a key was found'),
    (r'positives_level_\d+', 'Keys judged positive'),
    (r'collapse/(.+)', 'Collapse: {}'),
)


class Line(NamedTuple):
    """One curve: its name, epochs and values."""

    name: str
    x: list[float]
    y: list[float]


class Panel(NamedTuple):
    """Curves that share their axes."""

    title: str
    lines: list[Line]


def curve_panels(rows: Sequence[Mapping[str, float]]) -> list[Panel]:
    """Sorts the scalars of a run into panels, of at most 600 points a curve.

    Losses, kNN, retrieval and collapse come first, then whatever is logged below ``hierarchy/``:
    a panel for each name with a curve for each level. What is not finite is left out.

    Args:
        rows: of :func:`mmrcl.visualization.read_scalars`.
    """
    ratios = [row['iter'] / row['epoch'] for row in rows if row.get('epoch') and 'iter' in row]
    epoch_length = max(ratios, default=1)
    lines: dict[str, Line] = {}
    for row in rows:
        for key, value in row.items():
            if math.isfinite(value):
                line = lines.setdefault(key, Line(key, [], []))
                line.x.append(row['step'] / epoch_length)
                line.y.append(value)
    panels: dict[str, Panel] = {}
    for key in sorted(lines, key=_place):
        title, name = _panel_of(key)
        if title:
            x, y = _thinned(lines[key].x), _thinned(lines[key].y)
            panels.setdefault(title, Panel(title, [])).lines.append(Line(name, x, y))
    return list(panels.values())


def _panel_of(key: str) -> tuple[str, str]:
    """Title of the panel, '' for none, and name in it."""
    if found := _LEVELS.fullmatch(key):
        level, what = found.groups()
        title = f'Hierarchy: {what.replace("_", " ")}'
        return title, f'level {level}' if level else what.replace('_', ' ')
    for pattern, title in _OTHERS:
        if found := re.fullmatch(pattern, key):
            return title.format(*(part.replace('_', ' ') for part in found.groups())), key
    return '', key


def _place(key: str) -> tuple[int, str]:
    """The order of the panels and of the curves in them."""
    matches = [bool(re.fullmatch(pattern, key)) for pattern, _ in _OTHERS]
    return matches.index(True) if any(matches) else len(matches), key


def _thinned(values: list[float]) -> list[float]:
    """Evenly spaced ones of more values than can be told apart, the last included."""
    stride = -(-len(values) // MAX_POINTS)
    return values[::-1][::stride][::-1] if stride else values
