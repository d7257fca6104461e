"""Many linear classifiers by SGD in one pass over cached features."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, inf, pi
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from mmrcl.clustering import Progress, silent
from mmrcl.datasets import balanced_subset

from .linear_probe import LinearProbe, check_labels

__all__ = ['Schedule', 'Setting', 'Sweep', 'fit_linear_probes', 'sweep_linear_probes']


class Setting(NamedTuple):
    """What SGD does to one classifier: peak learning rate and weight decay."""

    lr: float
    weight_decay: float


@dataclass(frozen=True)
class Schedule:
    """What all classifiers of a sweep share.

    Attributes:
        epochs: Passes over the features; the learning rate falls to 0 along a cosine.
        batch_size: Images a step, for which the learning rates are meant.
        momentum: Of Nesterov's kind.
        seed: Of the order of the images and of the choice of those held out.
    """

    epochs: int = 90
    batch_size: int = 256
    momentum: float = 0.9
    seed: int = 0


class Sweep(NamedTuple):
    """What :func:`sweep_linear_probes` found.

    Attributes:
        accuracies: Top-1 of each setting on the held-out images, in [0, 1].
        losses: Its mean cross-entropy there; infinite for a setting that diverged.
        best: Position of the chosen setting.
        probe: The classifier that it gives on all training images.
    """

    accuracies: list[float]
    losses: list[float]
    best: int
    probe: LinearProbe


def sweep_linear_probes(
    features: Tensor,
    labels: Tensor,
    num_classes: int,
    settings: Sequence[Setting],
    schedule: Schedule,
    views: Tensor | None = None,
    held_out: float = 0.2,
    progress: Progress = silent,
) -> Sweep:
    """Choose a setting on held-out training images, then fit it on all of them.

    First all settings are fitted at once without a class-balanced share of the images.
    The one of least cross-entropy on that share is chosen and fitted on all images: of a
    few hundred images top-1 counts errors by the dozen, and chance would choose. The images
    of a test have no part in this.

    Args:
        features: Of the training images as they are, (N, d). Held-out images are judged
            by these; the others are fitted by these too unless there are ``views``.
        labels: Classes, (N,) integers in [0, ``num_classes``).
        num_classes: Number of classes C.
        settings: Learning rates and weight decays to try.
        schedule: What they share.
        views: Of V augmented views of each image, (V, N, d), see :func:`fit_linear_probes`.
        held_out: Share of the images to choose on, of every class alike
            (:func:`~mmrcl.datasets.balanced_subset`), in (0, 1).
        progress: Shows how far the work is.

    Raises:
        ValueError: If ``held_out`` leaves no image, and as :func:`fit_linear_probes`.
    """
    check_labels(labels, num_classes)
    targets = labels.to(features.device, torch.long)
    judging = balanced_subset(targets, held_out, schedule.seed)
    is_left = torch.ones_like(targets, dtype=torch.bool)
    is_left[judging] = False
    fitting = is_left.nonzero().squeeze(1)
    if not len(fitting):
        raise ValueError(f'held_out={held_out} leaves none of {len(targets)} images: set it lower')
    shown = features if views is None else views
    probes = _fit(shown, targets, fitting, num_classes, settings, schedule, progress)
    scores = [_score(probe, features, targets, judging) for probe in probes]
    accuracies, losses = map(list, zip(*scores, strict=True))
    best = losses.index(min(losses))
    everything = torch.arange(len(targets), device=features.device)
    chosen = settings[best : best + 1]
    (probe,) = _fit(shown, targets, everything, num_classes, chosen, schedule, progress)
    return Sweep(accuracies, losses, best, probe)


def fit_linear_probes(
    features: Tensor,
    labels: Tensor,
    num_classes: int,
    settings: Sequence[Setting],
    schedule: Schedule,
    progress: Progress = silent,
) -> list[LinearProbe]:
    r"""Fit a softmax regression for each setting by SGD, all in one pass over the features.

    It is the linear evaluation by images with the features computed once: weight and
    bias w from 0, raw (not standardised) features, cross-entropy L, Nesterov momentum m,
    learning rate :math:`\eta_t` from its peak to 0 along a cosine, and decay
    :math:`\lambda` of weight and bias as in ``torch.optim.SGD``:

    .. math::
        g = \nabla L + \lambda w, \qquad v \leftarrow m v + g, \qquad
        w \leftarrow w - \eta_t (g + m v)

    So its settings carry over to the protocol by images. Where scores shall depend on no
    learning rate, with few labels above all, take
    :func:`~mmrcl.evaluation.fit_linear_probe`, which solves a convex problem exactly.

    All S classifiers see the same batches and are rows of one matrix, hence a step is one
    product for all logits and one for all gradients. Beyond the features it takes three
    times the parameters, S C (d + 1), and twice the logits, B S C for a batch of B: at
    S = 20, C = 1000, d = 2048, B = 4096 that is 0.5 and 0.7 GB in float32. The same seed
    gives the same classifiers on every run of a device.

    Args:
        features: (N, d), or (V, N, d) for V augmented views of each image, of which epoch e
            shows view e mod V. The work is done on their device; half precision is widened a
            batch at a time.
        labels: Classes, (N,) integers in [0, ``num_classes``).
        num_classes: Number of classes C.
        settings: Learning rate and weight decay of each of the S classifiers.
        schedule: What they share.
        progress: Shows how far the work is.

    Returns:
        S classifiers, in float64 for float64 features and otherwise in float32.

    Raises:
        ValueError: If a label is outside [0, ``num_classes``).
    """
    check_labels(labels, num_classes)
    targets = labels.to(features.device, torch.long)
    everything = torch.arange(len(targets), device=features.device)
    return _fit(features, targets, everything, num_classes, settings, schedule, progress)


def _fit(
    features: Tensor,
    targets: Tensor,
    images: Tensor,
    num_classes: int,
    settings: Sequence[Setting],
    schedule: Schedule,
    progress: Progress,
) -> list[LinearProbe]:
    """Fits on the images at the given positions; the bias is the weight of a feature of ones."""
    views = features if features.ndim == 3 else features[None]
    dtype = torch.promote_types(features.dtype, torch.float32)
    shape = len(settings), num_classes, features.shape[-1] + 1
    weight = torch.zeros(shape, dtype=dtype, device=features.device)
    velocity = torch.zeros_like(weight)
    lr, decay = (weight.new_tensor(column).view(-1, 1, 1) for column in zip(*settings, strict=True))
    epoch = -(-len(images) // schedule.batch_size)
    steps = schedule.epochs * epoch
    batches = _batches(images, schedule)
    for step in progress(range(steps), f'Fitting {len(settings)} linear classifiers'):
        batch = next(batches)
        x = F.pad(views[step // epoch % len(views), batch].to(dtype), (0, 1), value=1)
        gradient = _gradient(weight, x, targets[batch]).addcmul_(weight, decay)
        velocity.mul_(schedule.momentum).add_(gradient)
        gradient.add_(velocity, alpha=schedule.momentum)
        weight.addcmul_(gradient, lr * (-(1 + cos(pi * step / steps)) / 2))
    return [LinearProbe(rows[:, :-1].contiguous(), rows[:, -1].contiguous()) for rows in weight]


def _batches(images: Tensor, schedule: Schedule) -> Iterator[Tensor]:
    generator = torch.Generator().manual_seed(schedule.seed)
    while True:
        order = torch.randperm(len(images), generator=generator).to(images.device)
        yield from images[order].split(schedule.batch_size)


def _gradient(weight: Tensor, x: Tensor, targets: Tensor) -> Tensor:
    """Gradient of the mean cross-entropy of S classifiers (S, C, d) on a batch (B, d)."""
    logits = F.linear(x, weight.flatten(0, 1)).unflatten(1, weight.shape[:2])
    error = logits.softmax(dim=2)
    error[torch.arange(len(x), device=x.device), :, targets] -= 1
    return (error.flatten(1).T @ x).view_as(weight).div_(len(x))


def _score(
    probe: LinearProbe, features: Tensor, targets: Tensor, images: Tensor
) -> tuple[float, float]:
    """Accuracy and mean cross-entropy; those of a classifier that diverged are the worst."""
    right = loss = 0.0
    for block in images.split(65536):
        logits = probe.logits(features[block])
        right += float((logits.argmax(dim=1) == targets[block]).sum())
        loss += float(F.cross_entropy(logits.double(), targets[block], reduction='sum'))
    return (right / len(images), loss / len(images)) if loss < inf else (0.0, inf)
