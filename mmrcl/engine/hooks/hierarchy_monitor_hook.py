"""Quality measures of the label hierarchy over training."""

import math

import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from mmrcl.clustering import churn, nesting_conformity
from mmrcl.evaluation import agreement
from mmrcl.features import classes_of, unwrapped
from mmrcl.registry import HOOKS

from ..scalars import log_scalars
from .hierarchical_clustering_hook import HierarchicalClusteringHook


@HOOKS.register_module()
class HierarchyMonitorHook(Hook):
    """Log agreement with the classes, churn and nesting of the hierarchy.

    It measures after each clustering that changes the labels, and after each epoch of refinement.
    For each level L = 2..H it logs as ``hierarchy/level_L/...``:

    - ``churn`` since the last measurement, see :func:`mmrcl.clustering.churn`;
    - if the training images have classes: ``ami``, ``purity`` of clusters of two or more images,
      and ``same_cluster_precision``, the share of an image's same-cluster samples that are of its
      class;

    and, if the source returns levels that do not nest, ``hierarchy/nesting_conformity`` (Sect. 5.3
    reports 0.7388 for K-means). Classes are read from the data set and never used for training.

    Only the main process measures; the others wait at the next collective operation. Two levels of
    1.28 million images with a thousand classes take half a second on one core. The labels measured
    last are in the checkpoint, so that a resumed run logs the same numbers.
    """

    # After HierarchicalClusteringHook, whose labels it measures.
    priority = 'BELOW_NORMAL'

    def __init__(self) -> None:
        self._classes: Tensor | None = None
        self._measured: Tensor | None = None

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Save the labels measured last."""
        checkpoint['measured_labels'] = self._measured

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Restore the labels measured last if the run resumes."""
        labels = checkpoint.get('measured_labels')
        if runner.cfg.get('resume') and labels is not None:
            self._measured = labels.cpu()

    def before_train(self, runner: Runner) -> None:
        """Find the clustering hook, and read the classes."""
        found = [hook for hook in runner.hooks if isinstance(hook, HierarchicalClusteringHook)]
        if not found:
            raise ValueError(
                'HierarchyMonitorHook needs HierarchicalClusteringHook: set '
                'default_hooks.clustering, or default_hooks.hierarchy_monitor=None'
            )
        self._clustering_hook = found[0]
        if is_main_process():
            self._classes = classes_of(runner.train_dataloader.dataset)

    def before_train_epoch(self, runner: Runner) -> None:
        """Measure a new clustering, unless the run resumes inside the epoch."""
        labels = self._labels(runner)
        if labels is None or runner.iter > runner.epoch * len(runner.train_dataloader):
            return
        if self._measured is None or not torch.equal(labels, self._measured):
            self._measure(runner, labels, runner.epoch)

    def after_train_epoch(self, runner: Runner) -> None:
        """Measure the labels after an epoch of refinement."""
        labels = self._labels(runner)
        if labels is not None and self._clustering_hook.refiner is not None:
            self._measure(runner, labels, runner.epoch + 1)

    @staticmethod
    def _labels(runner: Runner) -> Tensor | None:
        """Return labels of levels 2..H, (H - 1, N); None on other ranks or before clustering."""
        hierarchy = unwrapped(runner.model).hierarchy
        measured = is_main_process() and hierarchy.clustered
        return hierarchy.labels.int().cpu() if measured else None

    def _measure(self, runner: Runner, labels: Tensor, epochs: int) -> None:
        before, self._measured = self._measured, labels
        scalars = {}
        for row, level in enumerate(labels):
            found = {} if before is None else dict(churn=churn(before[row], level))
            if self._classes is not None:
                measures = agreement(level, self._classes)._asdict()
                found |= {name: value for name, value in measures.items() if not math.isnan(value)}
            scalars.update({f'hierarchy/level_{row + 2}/{name}': found[name] for name in found})
            listed = ', '.join(f'{name} {value:.3f}' for name, value in found.items())
            if listed:
                runner.logger.info(f'Level {row + 2} after {epochs} epochs: {listed}')
        if not self._clustering_hook.source.nested:
            scalars['hierarchy/nesting_conformity'] = nesting_conformity(labels)
        log_scalars(runner, scalars, epochs)
