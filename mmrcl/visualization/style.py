"""Common style of the figures: colours, axes, and saving without global state."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

__all__ = ['COLORS', 'MARKERS', 'as_image', 'clear_axes', 'light_axes', 'save']

DPI = 120
# Ten colours that remain distinguishable with colour blindness (Petroff, 2021).
COLORS = matplotlib.color_sequences['petroff10']
MARKERS = ('o', '^', 's', 'v', 'D', 'P', 'X')


def light_axes(axes: Axes) -> None:
    """Keep the left and lower spines and draw a faint grid."""
    axes.spines[['top', 'right']].set_visible(False)
    axes.grid(alpha=0.3, linewidth=0.6)
    axes.set_axisbelow(True)


def clear_axes(axes: Axes, frame: bool = False) -> None:
    """Remove ticks, for images and embeddings, and leave at most a faint frame."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=frame, color='0.85')


def save(figure: Figure, path: str | Path) -> Path:
    """Write a figure in the format of its suffix, creating missing folders.

    The figures are not registered with pyplot, so display, backend and open
    windows of the caller are not affected.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=DPI, facecolor='white')
    return path


def as_image(figure: Figure) -> np.ndarray:
    """Render a figure as RGB, (height, width, 3) uint8, for mmengine's visualisers."""
    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()
