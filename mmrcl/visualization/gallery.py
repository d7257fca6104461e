"""Galleries of the images in each cluster, level by level."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from mmrcl.arguments import check_labels, check_levels

from .style import COLORS, clear_axes, save

__all__ = ['plot_cluster_gallery']

ODD_COLOR = COLORS[1]


def plot_cluster_gallery(
    images: np.ndarray,
    labels: Tensor,
    path: str | Path,
    classes: Tensor | None = None,
    class_names: Sequence[str] | None = None,
    clusters_per_level: int = 8,
    images_per_cluster: int = 10,
    level_names: Sequence[str] | None = None,
    title: str = 'The largest clusters and their largest parts',
) -> Path:
    """Draw the largest clusters of the coarsest level and, beside each, the finer ones inside.

    There is a column per level, from coarse to fine. In a row, each cluster is the
    largest part of the one to its left. The heading of a cluster shows its size and,
    with ``classes``, its most frequent class and that class's share; images of
    another class get a frame. Clusters of one image are not drawn.

    Args:
        images: (N, H, W) gray or (N, H, W, 3) RGB, uint8.
        labels: Cluster of every image at each level drawn, (L, N) integers, fine
            to coarse; the rows of a hierarchy whose level 1, each image alone, is
            left out.
        path: The figure to write; its suffix chooses the format.
        classes: True class of every image, (N,) integers, if known.
        class_names: Names of the classes; without them their numbers show.
        clusters_per_level: Rows drawn, largest coarse cluster first.
        images_per_cluster: Images drawn of each, in the order of the dataset.
        level_names: Heading of each level, fine to coarse; by default 'level 2 (fine)' onwards.
        title: Heading of the figure.

    Returns:
        The path written.
    """
    labels = check_levels(labels)
    if len(images) != labels.shape[1]:
        raise ValueError(f'{len(images)} images do not fit labels of {labels.shape[1]} images')
    if classes is not None:
        classes = check_labels(classes, 'classes', labels.shape[1], 0)
    names = level_names or _level_names(len(labels))
    levels = labels.cpu().numpy()[::-1]
    rows = _nested_rows(levels, clusters_per_level)
    width, height = 0.5 * images_per_cluster + 0.3, 0.74 * clusters_per_level + 1.1
    figure = Figure(figsize=(width * len(levels), height), layout='constrained')
    columns = figure.subfigures(1, len(levels), squeeze=False, wspace=0.03)[0]
    for place, (column, name, level) in enumerate(zip(columns, names[::-1], levels, strict=True)):
        column.suptitle(f'{name}\n{_summary(level)}', fontsize=10)
        panels = column.subplots(clusters_per_level, 1, squeeze=False)[:, 0]
        for axes in panels:
            clear_axes(axes)
        for axes, row in zip(panels, rows, strict=False):
            if len(row[place]) < 2:
                continue
            kinds = None if classes is None else classes.cpu().numpy()[row[place]]
            _draw_cluster(axes, images, row[place], kinds, class_names, images_per_cluster)
    figure.suptitle(title, weight='bold')
    if classes is not None:
        figure.supxlabel(
            'Framed: images of another class than the most frequent one, which the heading names',
            fontsize=9,
        )
    return save(figure, path)


def _level_names(count: int) -> list[str]:
    names = [f'level {number}' for number in range(2, count + 2)]
    if count > 1:
        names[0] += ' (fine)'
        names[-1] += ' (coarse)'
    return names


def _nested_rows(levels: np.ndarray, count: int) -> list[list[np.ndarray]]:
    """Return the clusters of each row, as members in dataset order, for levels coarse to fine."""
    rows = []
    for members in _largest(levels[0], count):
        row = [members]
        for level in levels[1:]:
            values, sizes = np.unique(level[row[-1]], return_counts=True)
            row.append(np.flatnonzero(level == values[sizes.argmax()]))
        rows.append(row)
    return rows


def _largest(labels: np.ndarray, count: int) -> list[np.ndarray]:
    """Return the members of the largest clusters of two or more images, in dataset order."""
    # The stable sort resolves ties to the smaller label.
    clusters, sizes = np.unique(labels, return_counts=True)
    order = np.argsort(-sizes, kind='stable')[:count]
    return [np.flatnonzero(labels == clusters[i]) for i in order if sizes[i] > 1]


def _summary(labels: np.ndarray) -> str:
    sizes = np.unique(labels, return_counts=True)[1]
    singles = int((sizes == 1).sum())
    return f'{len(sizes) - singles} clusters, {singles} single images'


def _draw_cluster(
    axes: Axes,
    images: np.ndarray,
    members: np.ndarray,
    kinds: np.ndarray | None,
    class_names: Sequence[str] | None,
    slots: int,
) -> None:
    shown = members[:slots]
    cmap = 'gray' if images.ndim == 3 else None
    for slot, index in enumerate(shown):
        extent = (slot + 0.04, slot + 0.96, 0.04, 0.96)
        axes.imshow(images[index], cmap=cmap, vmin=0, vmax=255, extent=extent)
    heading = f'{len(members)} images'
    if kinds is not None:
        majority = int(np.bincount(kinds).argmax())
        name = str(majority) if class_names is None else class_names[majority]
        heading += f', {(kinds == majority).mean():.0%} of class {name}'
        for odd in np.flatnonzero(kinds[:slots] != majority).tolist():
            axes.add_patch(Rectangle((odd, 0), 1, 1, fill=False, color=ODD_COLOR, linewidth=1.6))
    axes.set(xlim=(-0.03, slots + 0.03), ylim=(-0.03, 1.03))
    axes.set_title(heading, loc='left', fontsize=8, pad=2)
