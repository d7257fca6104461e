"""Two-dimensional embeddings of features."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.typing import ColorType
from torch import Tensor

from mmrcl.arguments import check_features, check_labels

from .projection import tsne
from .style import COLORS, MARKERS, clear_axes, save

__all__ = ['plot_tsne']


def plot_tsne(
    features_by_name: Mapping[str, Tensor],
    labels: Tensor,
    class_names: Sequence[str],
    path: str | Path,
    max_samples: int = 2000,
    perplexity: float = 30.0,
    seed: int = 0,
    title: str = 't-SNE of features, coloured by class',
) -> Path:
    """Draw the t-SNE of each encoder's features, one panel each, coloured by class.

    Features are compared by their direction: rows are scaled to unit length, as
    for kNN. All panels show the same images. Each class is named at its median.

    Args:
        features_by_name: Name of each encoder and its features, (N, d).
        labels: Class of every image, (N,) integers in [0, ``len(class_names)``).
        class_names: Names of the classes.
        path: The figure to write; its suffix chooses the format.
        max_samples: A larger set is thinned to so many images, drawn from ``seed``.
        perplexity: t-SNE's number of effective neighbours; at most a third of the
            images are taken.
        seed: Seed of the draw and of t-SNE.
        title: Heading of the figure.

    Returns:
        The path written.
    """
    labels = check_labels(labels, least=0)
    features_by_name = {
        name: check_features(part, f'features_by_name[{name!r}]', len(labels))
        for name, part in features_by_name.items()
    }
    if int(labels.max()) >= len(class_names):
        raise ValueError(
            f'labels reach {int(labels.max())}: {len(class_names)} class_names are few'
        )
    shown = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    shown = shown[:max_samples].sort().values
    classes = labels.cpu()[shown].numpy()
    count = len(features_by_name)
    figure = Figure(figsize=(3.9 * count, 4.8), layout='constrained')
    panels = figure.subplots(1, count, squeeze=False)[0]
    for axes, (name, features) in zip(panels, features_by_name.items(), strict=True):
        directions = F.normalize(features.cpu()[shown].float(), dim=1).numpy()
        points = tsne(directions, perplexity, seed)
        _draw_panel(axes, name, points, classes, class_names)
    handles = [_handle(label, name) for label, name in enumerate(class_names)]
    figure.legend(
        handles=handles, loc='outside lower center', ncols=10, frameon=False, handletextpad=0.1
    )
    figure.suptitle(title, weight='bold')
    return save(figure, path)


def _draw_panel(
    axes: Axes, name: str, points: np.ndarray, classes: np.ndarray, class_names: Sequence[str]
) -> None:
    size = 10 if len(points) > 500 else 20
    for label in np.unique(classes):
        x, y = points[classes == label].T
        color, marker = _color_and_marker(label)
        axes.scatter(x, y, s=size, color=color, marker=marker, alpha=0.75, linewidths=0)
    for label in np.unique(classes):
        x, y = np.median(points[classes == label], axis=0)
        box = {
            'boxstyle': 'round,pad=0.2',
            'facecolor': 'white',
            'edgecolor': 'none',
            'alpha': 0.75,
        }
        axes.text(x, y, class_names[label], ha='center', va='center', weight='bold', bbox=box)
    axes.set_title(name)
    clear_axes(axes, frame=True)
    axes.margins(0.03)
    axes.set_aspect('equal', adjustable='datalim')


def _color_and_marker(label: int) -> tuple[ColorType, str]:
    """Return colour and marker of a class: ten colours and seven markers make 70 pairs."""
    return COLORS[label % len(COLORS)], MARKERS[label % len(MARKERS)]


def _handle(label: int, name: str) -> Line2D:
    color, marker = _color_and_marker(label)
    return Line2D([], [], color=color, marker=marker, linestyle='none', label=name)
