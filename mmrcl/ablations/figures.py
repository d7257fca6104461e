"""Figures of ablations: bars of arms, lines over a setting."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmrcl.visualization import COLORS, MARKERS, light_axes, save

__all__ = ['Point', 'plot_arms', 'plot_settings']

Panels = Mapping[str, Sequence['Point']]
_COLUMNS = 3


class Point(NamedTuple):
    """An arm in a panel.

    Attributes:
        title: its name.
        values: one per seed.
        x: its position on the axis of :func:`plot_settings`, a number or a word.
        line: the line that it belongs to in that figure.
    """

    title: str
    values: Sequence[float]
    x: float | str | None = None
    line: str = ''


def plot_arms(
    panels: Panels, path: str | Path, reference: str | None = None, title: str = ''
) -> Path:
    """Draw a bar for each arm, with its seeds as dots.

    Bars start at the mean of the reference, so that their length is the difference from it;
    without a reference they start at the lowest mean.

    Args:
        panels: Label of each panel and its arms, from top to bottom.
        path: The figure to write; its suffix chooses the format.
        reference: Title of the arm that bars start from.
        title: Heading of the figure.

    Returns:
        The path written.
    """
    tallest = max(len(points) for points in panels.values())
    figure, grid = _figure(panels, 1.1 + 0.28 * tallest, sharey=True)
    for axes, (label, points) in zip(grid, panels.items(), strict=False):
        _draw_bars(axes, points, reference)
        axes.set(xlabel=label)
    figure.suptitle(title, weight='bold')
    return save(figure, path)


def plot_settings(panels: Panels, path: str | Path, xlabel: str = '', title: str = '') -> Path:
    """Draw lines over a setting, the mean over seeds with a band of one standard deviation.

    Args:
        panels: Label of each panel and its points; words as ``x`` are placed in their order.
        path: The figure to write; its suffix chooses the format.
        xlabel: What the setting is.
        title: Heading of the figure.

    Returns:
        The path written.
    """
    figure, grid = _figure(panels, 3.1)
    for axes, (label, points) in zip(grid, panels.items(), strict=False):
        _draw_lines(axes, points)
        axes.set(xlabel=xlabel, ylabel=label)
    if any(point.line for points in panels.values() for point in points):
        lines = grid[0].get_legend_handles_labels()
        figure.legend(*lines, loc='outside lower center', ncols=_COLUMNS, frameon=False)
    figure.suptitle(title, weight='bold')
    return save(figure, path)


def _figure(panels: Panels, height: float, sharey: bool = False) -> tuple[Figure, list[Axes]]:
    columns = min(_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    size = (1.6 * sharey + 3.6 * columns, 0.4 + height * rows)
    figure = Figure(figsize=size, layout='constrained')
    grid = list(figure.subplots(rows, columns, squeeze=False, sharey=sharey).flat)
    for unused in grid[len(panels) :]:
        unused.set_visible(False)
    return figure, grid


def _draw_bars(axes: Axes, points: Sequence[Point], reference: str | None) -> None:
    means = [float(np.mean(point.values)) for point in points]
    titles = [point.title for point in points]
    start = means[titles.index(reference)] if reference in titles else min(means)
    places = np.arange(len(points))
    widths = [mean - start for mean in means]
    axes.barh(places, widths, left=start, height=0.7, color=COLORS[0], alpha=0.45)
    axes.axvline(start, color='0.45', linewidth=0.8)
    for place, point in zip(places, points, strict=True):
        axes.plot(point.values, [place] * len(point.values), '.', color='0.25', markersize=5)
    axes.set_yticks(places, titles)
    axes.set_ylim(len(points) - 0.4, -0.6)
    light_axes(axes)


def _draw_lines(axes: Axes, points: Sequence[Point]) -> None:
    places = list(dict.fromkeys(point.x for point in points))
    words = any(isinstance(x, str) for x in places)
    for order, line in enumerate(dict.fromkeys(point.line for point in points)):
        members = [point for point in points if point.line == line]
        x = np.array([places.index(point.x) if words else float(point.x or 0) for point in members])
        mean = np.array([np.mean(point.values) for point in members])
        spread = np.array([np.std(point.values, ddof=len(point.values) > 1) for point in members])
        color, marker = COLORS[order % len(COLORS)], MARKERS[order % len(MARKERS)]
        axes.plot(x, mean, color=color, marker=marker, markersize=4, label=line)
        axes.fill_between(x, mean - spread, mean + spread, color=color, alpha=0.15, linewidth=0)
    if words:
        axes.set_xticks(range(len(places)), [str(x) for x in places], rotation=20, ha='right')
    light_axes(axes)
