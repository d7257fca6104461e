"""Conducts the criteria: when they are made, when refined, what is logged (Sect. 4.3)."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from logging import Logger
from typing import Any

import torch
from mmengine.dist import all_gather, broadcast
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from mmrcl.clustering import (
    ClusteringSource,
    HierarchyRefiner,
    LabelHierarchy,
    summarize_partition,
    warn_of_percolation,
)
from mmrcl.features import SPACES, ClusteringInput, extract_clustering_input, resumable, unwrapped
from mmrcl.models import KeyBatch
from mmrcl.progress import progress
from mmrcl.registry import HOOKS, TASK_UTILS

from ..scalars import log_scalars


@contextmanager
def _warnings_to(logger: Logger) -> Iterator[None]:
    """Sends the warnings of the clustering library, which knows no logger, to ``logger``."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        yield
    for warning in caught:
        logger.warning(str(warning.message))


def _check_sample_idx(dataset: Any) -> None:
    images = getattr(dataset, 'dataset', dataset)  # of SeededDataset
    last = len(images) - 1
    found = images.get_data_info(last).get('sample_idx')
    if found != last:
        raise ValueError(
            f'the last of {last + 1} training images has sample_idx={found}, which must be its '
            'position in the whole, where labels are looked up: train on a single data set, not on '
            'several concatenated or one repeated; ImageFolder takes several folders below one'
        )


@HOOKS.register_module()
class HierarchicalClusteringHook(Hook):
    """Fills and refines the label hierarchy of an :class:`mmrcl.models.RCL`, or fills a PCL's.

    During the first ``warmup_epochs`` every image is alone, so that each retriever of mates falls
    back to the own view and the loss is Eq. 1. Then the keys of all images are extracted and
    clustered by ``source``. From there on either ``refiner`` refines the clusters of each batch
    (online), or the source clusters anew every ``recluster_interval`` epochs (offline), or the
    labels stay (frozen).

    All state is in the model's hierarchy, and the refiner's thresholds of the epoch in the
    checkpoint beside it, so a resumed run goes on where it stopped. Every rank holds the same
    hierarchy: all ranks call the source, which may share its work among them, and take rank 0's
    labels; all refine from the same gathered keys, and a checksum compares the ranks after each
    epoch. With gradient accumulation the keys of all batches of a step are handed over at once.

    Args:
        dataloader: config of a loader over the training images in order, with the test-time
            transform.
        source: config of a clustering source: ``DBSCANSource``, ``KMeansSource``,
            ``HierarchicalKMeansSource``, ``ClassSource``.
        refiner: config of a ``HierarchyRefiner``, or None.
        warmup_epochs: epochs before the first clustering (the paper: 10).
        recluster_interval: epochs between two clusterings by the source, or None.
        max_share: warn after an epoch in which a cluster holds more than this share of the images.
        space: what the source clusters: ``'projection'``, the keys z-hat'; ``'encoder'``, the
            momentum encoder's last maps averaged over space; ``'maps'``, these maps as they are; or
            ``'images'``, their pixels after the test-time transform. The last two are for small
            aligned images: of ImageNet they would be 500 and 800 GB. Refinement compares keys.
    """

    def __init__(
        self,
        dataloader: dict,
        source: dict,
        refiner: dict | None = None,
        warmup_epochs: int = 10,
        recluster_interval: int | None = None,
        max_share: float = 0.5,
        space: str = 'projection',
    ) -> None:
        self.dataloader_cfg = dataloader
        self.source: ClusteringSource = TASK_UTILS.build(source)
        self.refiner: HierarchyRefiner | None = (
            None if refiner is None else TASK_UTILS.build(refiner)
        )
        if self.refiner is not None and recluster_interval is not None:
            raise ValueError(
                'HierarchicalClusteringHook: set refiner (online) or recluster_interval (offline), '
                'not both'
            )
        if self.refiner is not None and not self.source.nested:
            raise ValueError(
                f'{type(self.source).__name__} gives levels that do not nest, which cannot be '
                'refined: set refiner=None and recluster_interval=1, or use DBSCANSource'
            )
        if recluster_interval is not None and recluster_interval < 1:
            raise ValueError(f'recluster_interval={recluster_interval} must be at least 1 epoch')
        if space not in SPACES:
            raise ValueError(
                f"HierarchicalClusteringHook: space='{space}' is unknown: choose one of "
                f'{", ".join(SPACES)}'
            )
        self.space = space
        self.warmup_epochs = warmup_epochs
        self.recluster_interval = recluster_interval
        self.max_share = max_share
        self._waiting: list[KeyBatch] = []

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Saves what the refiner measured at the start of the epoch."""
        if self.refiner is not None:
            checkpoint['merge_thresholds'] = self.refiner.thresholds

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Takes over what :meth:`before_save_checkpoint` saved."""
        if self.refiner is not None:
            self.refiner.thresholds = checkpoint.get('merge_thresholds', [])

    def before_train(self, runner: Runner) -> None:
        """Checks that the parts fit and, in a fresh run, makes room for the training images."""
        model = unwrapped(runner.model)
        if getattr(model, 'hierarchy', None) is None:
            raise ValueError(
                'HierarchicalClusteringHook needs a model with a label hierarchy, as in '
                'model=dict(type="RCL", hierarchy=dict(type="LabelHierarchy", ...)): set it, or '
                'take the hook out by default_hooks.clustering=None'
            )
        if self.warmup_epochs >= runner.max_epochs:
            raise ValueError(
                f'warmup_epochs={self.warmup_epochs} of HierarchicalClusteringHook leaves nothing '
                f'of train_cfg.max_epochs={runner.max_epochs}: clustering would never start'
            )
        self.dataloader = runner.build_dataloader(resumable(self.dataloader_cfg), runner.seed)
        size, clustered = len(runner.train_dataloader.dataset), len(self.dataloader.dataset)
        if size != clustered:
            raise ValueError(
                f'HierarchicalClusteringHook.dataloader gives {clustered} images, train_dataloader '
                f'{size}: both must name the same data set'
            )
        _check_sample_idx(runner.train_dataloader.dataset)
        if model.hierarchy.num_samples == 0:
            model.hierarchy.allocate(size)
        elif model.hierarchy.num_samples != size:
            raise ValueError(
                f'the checkpoint holds a hierarchy over {model.hierarchy.num_samples} images, '
                f'train_dataloader has {size}: resume with the data set of the checkpoint, or '
                'start anew from its backbone by model.backbone.init_cfg=dict(type="Pretrained", '
                'prefix="backbone.", checkpoint=...)'
            )

    def before_train_epoch(self, runner: Runner) -> None:
        """Clusters at the end of warm-up and at each interval; calibrates the refiner.

        A run resumed inside the epoch has done so before it stopped.
        """
        model = unwrapped(runner.model)
        hierarchy = model.hierarchy
        since = runner.epoch - self.warmup_epochs
        if since < 0 or runner.iter > runner.epoch * len(runner.train_dataloader):
            return
        due = self.recluster_interval is not None and since % self.recluster_interval == 0
        if due or not hierarchy.initialized:
            runner.logger.info(f'Clustering {hierarchy.num_samples} images ...')
            images = extract_clustering_input(model, self.space, self.dataloader)
            self._cluster(runner, hierarchy, images)
            self._report(runner, hierarchy, runner.epoch)
        if self.refiner is not None:
            self.refiner.calibrate(hierarchy)
            listed = ', '.join(f'{value:.3f}' for value in self.refiner.thresholds)
            runner.logger.info(f'Merge thresholds (cosine) of levels 2..: {listed}')

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Hands the keys of the step to the bank and to the refiner."""
        model = unwrapped(runner.model)
        if not model.hierarchy.initialized:
            return
        self._waiting.append(model.last_keys)
        if not runner.optim_wrapper.should_update():
            return
        keys = KeyBatch(*(torch.cat(parts) for parts in zip(*self._waiting, strict=True)))
        self._waiting.clear()
        model.hierarchy.update_bank(*keys)
        if self.refiner is None:
            return
        for change in self.refiner.refine(model.hierarchy, keys.indices):
            hub = runner.message_hub
            hub.update_scalar(f'train/splits_level_{change.level}', change.splits)
            hub.update_scalar(f'train/merges_level_{change.level}', change.merges)

    def after_train_epoch(self, runner: Runner) -> None:
        """Compares the ranks and reports the partition of each level."""
        hierarchy = unwrapped(runner.model).hierarchy
        if not hierarchy.initialized:
            return
        sums = {int(value) for value in all_gather(hierarchy.checksum())}
        if len(sums) > 1:
            raise RuntimeError(
                'the label hierarchies of the ranks differ; refinement must see the same keys '
                'and the same arithmetic everywhere: are all GPUs of one kind?'
            )
        if self.refiner is not None:
            self._report(runner, hierarchy, runner.epoch + 1)

    def _cluster(self, runner: Runner, hierarchy: LabelHierarchy, images: ClusteringInput) -> None:
        hierarchy.set_bank(images.keys)
        with _warnings_to(runner.logger):
            found = self.source(images.features, images.classes, progress)
        labels = self._checked(found, hierarchy.labels)
        broadcast(labels)
        hierarchy.set_labels(labels, nested=self.source.nested)

    def _checked(self, found: Tensor, labels: Tensor) -> Tensor:
        if found.shape != labels.shape:
            raise ValueError(
                f'{type(self.source).__name__} gives {found.shape[0]} levels above the images, '
                f'model.hierarchy.num_levels={labels.shape[0] + 1} wants {labels.shape[0]}: give '
                'the source one setting (radius, mean size, number of clusters) a level'
            )
        return found.to(labels)

    def _remedy(self) -> str:
        if self.refiner is None:
            return 'smaller clusters from the source'
        return 'a higher refiner.merge_threshold, or with "auto" fewer refiner.neighbors'

    def _report(self, runner: Runner, hierarchy: LabelHierarchy, epochs: int) -> None:
        scalars: dict[str, float] = {}
        for level in range(2, hierarchy.num_levels + 1):
            labels = hierarchy.level_labels(level)
            with _warnings_to(runner.logger):
                warn_of_percolation(labels, self.max_share, f'level {level}', self._remedy())
            summary = summarize_partition(labels)
            runner.logger.info(
                f'Level {level}: {summary.clusters} clusters, largest {summary.largest}, '
                f'{summary.singletons} singletons, mean size {summary.mean_size:.2f}'
            )
            for name, value in vars(summary).items():
                scalars[f'hierarchy/level_{level}/{name}'] = value
        log_scalars(runner, scalars, epochs)
