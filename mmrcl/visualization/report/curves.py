"""Panels of the logged scalars."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

__all__ = ['Line', 'Panel', 'curve_panels']

MAX_POINTS = 600
# In drawing order: pattern of the scalar's name, title of the panel, name of the curve.
_PANELS = (
    (r'(loss|positive_part|negative_part)', 'Loss and its parts', '{0}'),
    (r'knn/(.+)', 'kNN accuracy', '{0}'),
    (r'(retrieval_hit_rate)', 'Queries with a key', '{0}'),
    (r'positives_(level_\d+)', 'Pairs labelled positive', '{0}'),
    (r'hierarchy/(level_\d+)/(.+)', 'Hierarchy: {1}', '{0}'),
    (r'hierarchy/(.+)', 'Hierarchy: {0}', '{0}'),
    (r'collapse/(.+)', 'Collapse: {0}', '{0}'),
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
    """Sort the scalars of a run into panels, with at most 600 points per curve.

    Losses, kNN and retrieval come first, then all scalars below ``hierarchy/``, a panel per name
    with a curve per level, then ``collapse/``. NaN and Inf are left out.

    Args:
        rows: result of :func:`mmrcl.visualization.read_scalars`.
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
    for pattern, title, name in _PANELS:
        for key in sorted(lines):
            if found := re.fullmatch(pattern, key):
                x, y = _thinned(lines[key].x), _thinned(lines.pop(key).y)
                parts = [part.replace('_', ' ') for part in found.groups()]
                panel = panels.setdefault(title.format(*parts), Panel(title.format(*parts), []))
                panel.lines.append(Line(name.format(*parts), x, y))
    return list(panels.values())


def _thinned(values: list[float]) -> list[float]:
    """Thin values to evenly spaced ones, the last included."""
    stride = -(-len(values) // MAX_POINTS)
    return values[::-1][::stride][::-1] if stride else values
