"""Predictions on disk, so that encoders can be compared image by image later."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from mmrcl.arguments import check_labels

from .representation import Prediction

__all__ = ['Correct', 'read_correct', 'write_predictions']

Correct = dict[tuple[str, int], np.ndarray]
"""Whether each test image was classified rightly: (draws, M) bool for each metric and share."""


def write_predictions(path: str | Path, predictions: Sequence[Prediction], classes: Tensor) -> Path:
    """Write predictions and the true classes, (M,), as one compressed ``.npz`` file.

    It contains ``predictions`` (P, M), and for each of the P the ``metric``, the percentage of the
    ``labels`` and the ``draw``; ``classes`` (M,) are the true ones. Missing folders are created; an
    existing file is replaced once the new one is complete.

    Returns:
        The path written.
    """
    classes = check_labels(classes, 'classes')
    found = [check_labels(each.classes, 'predictions', len(classes)) for each in predictions]
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f'unfinished_{path.name}')
    with unfinished.open('wb') as file:
        np.savez_compressed(
            file,
            predictions=np.stack([_small(each) for each in found]),
            metric=np.array([each.metric for each in predictions]),
            labels=np.array([each.labels for each in predictions]),
            draw=np.array([each.draw for each in predictions]),
            classes=_small(classes),
        )
    return unfinished.rename(path)


def read_correct(path: str | Path) -> Correct:
    """Read which predictions of :func:`write_predictions` are correct, draws in their order."""
    with np.load(path) as file:
        right = file['predictions'] == file['classes']
        keys = list(zip(file['metric'].tolist(), file['labels'].tolist(), strict=True))
    chosen = {key: [place for place, other in enumerate(keys) if other == key] for key in keys}
    return {key: right[places] for key, places in chosen.items()}


def _small(classes: Tensor) -> np.ndarray:
    return classes.cpu().numpy().astype(np.int16)
