"""Figures of detections next to the ground truth."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .style import COLORS, clear_axes, save

__all__ = ['Instances', 'plot_detections']

MASK_OPACITY = 0.5


class Instances(NamedTuple):
    """The n objects of an image, true or predicted.

    Attributes:
        labels: (n,) integers, the classes.
        boxes: (n, 4) left, top, right and bottom edge in pixels.
        masks: (n, H, W) bool, or None if there are only boxes.
        scores: (n,) in [0, 1], or None for the ground truth.
    """

    labels: np.ndarray
    boxes: np.ndarray
    masks: np.ndarray | None = None
    scores: np.ndarray | None = None


def plot_detections(
    images: Sequence[np.ndarray],
    rows: Mapping[str, Sequence[Instances]],
    class_names: Sequence[str],
    path: str | Path,
    min_score: float = 0.5,
    title: str = 'Detections',
) -> Path:
    """Draw images with masks, boxes, classes and scores of their objects.

    There is a column per image and a row per entry of ``rows``, such as the ground
    truth and the predictions of several detectors. A class keeps its colour;
    objects are drawn in order of their scores, the highest on top.

    Args:
        images: (H, W) gray or (H, W, 3) RGB, uint8, of any sizes.
        rows: Heading of each row and the objects of every image.
        class_names: Names of the classes.
        path: The figure to write; its suffix chooses the format.
        min_score: Objects below are left out; those without a score stay.
        title: Heading of the figure.

    Returns:
        The path written.

    Raises:
        ValueError: If a row does not have the objects of every image.
    """
    for name, row in rows.items():
        if len(row) != len(images):
            raise ValueError(f'{name!r} has objects of {len(row)} images, there are {len(images)}')
    size = (2.1 * len(images) + 0.4, 2.1 * len(rows) + 0.6)
    figure = Figure(figsize=size, layout='constrained')
    panels = figure.subplots(len(rows), len(images), squeeze=False)
    for line, (name, row) in zip(panels, rows.items(), strict=True):
        for axes, image, instances in zip(line, images, row, strict=True):
            _draw_image(axes, image, _surest_last(instances, min_score), class_names)
        line[0].set_ylabel(name, weight='bold')
    figure.suptitle(title, weight='bold')
    return save(figure, path)


def _surest_last(instances: Instances, min_score: float) -> Instances:
    if instances.scores is None:
        return instances
    order = np.argsort(instances.scores, kind='stable')
    order = order[instances.scores[order] >= min_score]
    masks = None if instances.masks is None else instances.masks[order]
    return Instances(
        instances.labels[order], instances.boxes[order], masks, instances.scores[order]
    )


def _draw_image(
    axes: Axes, image: np.ndarray, instances: Instances, class_names: Sequence[str]
) -> None:
    colors = [to_rgb(COLORS[label % len(COLORS)]) for label in instances.labels]
    pixels = _blend(image, instances.masks, colors)
    height, width = image.shape[:2]
    axes.imshow(pixels, extent=(0, width, height, 0), interpolation='nearest')
    for place, (label, box, color) in enumerate(
        zip(instances.labels, instances.boxes, colors, strict=True)
    ):
        caption = class_names[label]
        if instances.scores is not None:
            caption += f' {instances.scores[place]:.2f}'
        _draw_box(axes, box, caption, color)
    clear_axes(axes)


def _blend(
    image: np.ndarray, masks: np.ndarray | None, colors: Sequence[tuple[float, float, float]]
) -> np.ndarray:
    """Blend masks into the image in their colours: (H, W, 3) in [0, 1]."""
    gray = image[..., None] if image.ndim == 2 else image
    pixels = np.broadcast_to(gray / 255, (*image.shape[:2], 3)).copy()
    for mask, color in zip([] if masks is None else masks, colors, strict=False):
        tint = np.array(color)
        pixels[mask] = (1 - MASK_OPACITY) * pixels[mask] + MASK_OPACITY * tint
    return pixels


def _draw_box(axes: Axes, box: np.ndarray, caption: str, color: tuple[float, float, float]) -> None:
    left, top, right, bottom = box
    edges = Rectangle(
        (left, top), right - left, bottom - top, fill=False, edgecolor=color, linewidth=1.2
    )
    axes.add_patch(edges)
    ink = 'black' if sum(color) > 1.8 else 'white'
    tag = {'boxstyle': 'square,pad=0.12', 'facecolor': color, 'edgecolor': 'none'}
    axes.text(left, top, caption, color=ink, fontsize=6.5, weight='bold', va='bottom', bbox=tag)
