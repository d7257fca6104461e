"""Many linear classifiers trained by SGD in one pass over cached features."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, inf, pi
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from mmrcl.arguments import check_features, check_tensor
from mmrcl.clustering import Progress, silent
from mmrcl.datasets import stratified_subset

from .linear_probe import LinearProbe, check_classes

__all__ = ['Schedule', 'Setting', 'Sweep', 'fit_linear_probes', 'sweep_linear_probes']


class Setting(NamedTuple):
    """SGD settings of one classifier: peak learning rate and weight decay."""

    lr: float
    weight_decay: float


@dataclass(frozen=True)
class Schedule:
    """SGD settings shared by all classifiers of a sweep.

    Attributes:
        epochs: Passes over the features; the learning rate decays to 0 along a cosine.
        batch_size: Images per step; the learning rates are for this batch size.
        momentum: Nesterov momentum.
        seed: Seed of the order of the images and of the choice of held-out images.
    """

    epochs: int = 90
    batch_size: int = 256
    momentum: float = 0.9
    seed: int = 0


class Sweep(NamedTuple):
    """Result of :func:`sweep_linear_probes`.

    Attributes:
        accuracies: Top-1 of each setting on the held-out images, in [0, 1].
        losses: Its mean cross-entropy there; infinite for a setting that diverged.
        best: Index of the selected setting.
        probe: Classifier fitted with that setting on all training images.
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
    """Select a setting on held-out training images, then fit it on all of them.

    First all settings are fitted at once, without a class-balanced held-out share of the
    images. The setting of lowest cross-entropy on that share is selected and fitted on all
    images. Cross-entropy is used because top-1 on a few hundred images is too coarse to
    rank the settings. No test image is used.

    Args:
        features: Features of the training images without augmentation, (N, d). The held-out
            images are scored on these; the others are fitted on these too unless ``views``
            are passed.
        labels: Classes, (N,) integers in [0, ``num_classes``).
        num_classes: Number of classes C.
        settings: Learning rates and weight decays to try.
        schedule: Settings that all classifiers share.
        views: Features of V augmented views of each image, (V, N, d), see
            :func:`fit_linear_probes`.
        held_out: Share of the images of every class to hold out
            (:func:`~mmrcl.datasets.stratified_subset`), in (0, 1).
        progress: Progress callback.

    Raises:
        ValueError: If ``held_out`` leaves no image, and as :func:`fit_linear_probes`.
    """
    features = check_features(features)
    labels = check_classes(labels, num_classes, len(features))
    views = None if views is None else _check_views(views, features.shape)
    targets = labels.to(features.device, torch.long)
    held_out_images = stratified_subset(targets, held_out, schedule.seed)
    is_left = torch.ones_like(targets, dtype=torch.bool)
    is_left[held_out_images] = False
    fitting = is_left.nonzero().squeeze(1)
    if not len(fitting):
        raise ValueError(f'held_out={held_out} leaves none of {len(targets)} images: set it lower')
    shown = features if views is None else views
    probes = _fit(shown, targets, fitting, num_classes, settings, schedule, progress)
    scores = [_score(probe, features, targets, held_out_images) for probe in probes]
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

    It is the usual linear evaluation on images, with the features computed once: weight
    and bias w start at 0, features are raw (not standardised), L is the cross-entropy, m
    Nesterov momentum, the learning rate :math:`\eta_t` decays from its peak to 0 along a
    cosine, and :math:`\lambda` decays weight and bias as in ``torch.optim.SGD``:

    .. math::
        g = \nabla L + \lambda w, \qquad v \leftarrow m v + g, \qquad
        w \leftarrow w - \eta_t (g + m v)

    The selected settings therefore transfer to the protocol on images. For scores that do
    not depend on a learning rate, especially with few labels, use
    :func:`~mmrcl.evaluation.fit_linear_probe`, which solves a convex problem.

    All S classifiers see the same batches and are rows of one matrix, so a step is one
    product for all logits and one for all gradients. Beyond the features it needs three
    times the parameters, S C (d + 1), and twice the logits, B S C for a batch of B: at
    S = 20, C = 1000, d = 2048, B = 4096 that is 0.5 and 0.7 GB in float32. The same seed
    returns the same classifiers on every run of a device.

    Args:
        features: (N, d), or (V, N, d) for V augmented views of each image, of which epoch e
            uses view e mod V. Their device does the computation; half precision is converted
            batch by batch.
        labels: Classes, (N,) integers in [0, ``num_classes``).
        num_classes: Number of classes C.
        settings: Learning rate and weight decay of each of the S classifiers.
        schedule: Settings that all classifiers share.
        progress: Progress callback.

    Returns:
        S classifiers, in float64 for float64 features and otherwise in float32.

    Raises:
        ValueError: If a label is outside [0, ``num_classes``).
    """
    features = check_tensor(features, 'features')
    features = check_features(features) if features.ndim != 3 else _check_views(features)
    labels = check_classes(labels, num_classes, features.shape[-2])
    targets = labels.to(features.device, torch.long)
    everything = torch.arange(len(targets), device=features.device)
    return _fit(features, targets, everything, num_classes, settings, schedule, progress)


def _check_views(views: Tensor, shape: Sequence[int] | None = None) -> Tensor:
    """Return the features of several views, (V, N, d), if each view fits ``shape``."""
    views = check_tensor(views, 'views')
    if views.ndim != 3 or not len(views) or (shape is not None and views.shape[1:] != shape):
        raise ValueError(
            f'views of shape {tuple(views.shape)} must be (V, N, d), features of each of the N '
            'images'
        )
    return torch.stack([check_features(view, 'views') for view in views])


def _fit(
    features: Tensor,
    targets: Tensor,
    images: Tensor,
    num_classes: int,
    settings: Sequence[Setting],
    schedule: Schedule,
    progress: Progress,
) -> list[LinearProbe]:
    """Fit on the images at the given positions; the bias is the weight of a constant feature."""
    for setting in settings:
        if not all(0 <= value < inf for value in setting):
            raise ValueError(f'settings: {setting} must have finite numbers of at least 0')
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
    """Compute the mean cross-entropy's gradient for S classifiers (S, C, d) on a batch (B, d)."""
    logits = F.linear(x, weight.flatten(0, 1)).unflatten(1, weight.shape[:2])
    error = logits.softmax(dim=2)
    error[torch.arange(len(x), device=x.device), :, targets] -= 1
    return (error.flatten(1).T @ x).view_as(weight).div_(len(x))


def _score(
    probe: LinearProbe, features: Tensor, targets: Tensor, images: Tensor
) -> tuple[float, float]:
    """Compute accuracy and mean cross-entropy; (0, inf) for a classifier that diverged."""
    right = loss = 0.0
    for block in images.split(65536):
        logits = probe.logits(features[block])
        right += float((logits.argmax(dim=1) == targets[block]).sum())
        loss += float(F.cross_entropy(logits.double(), targets[block], reduction='sum'))
    return (right / len(images), loss / len(images)) if loss < inf else (0.0, inf)
