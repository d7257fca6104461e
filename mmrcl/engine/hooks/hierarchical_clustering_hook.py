"""The hook that clusters the images and refines the label hierarchy (Sect. 4.3)."""

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

from mmrcl.arguments import check_finite
from mmrcl.clustering import (
    ClusteringSource,
    HierarchyRefiner,
    KMeansSource,
    LabelHierarchy,
    summarize_partition,
    warn_of_equal_levels,
    warn_of_percolation,
)
from mmrcl.errors import TrainingError
from mmrcl.features import (
    OWN_SPACES,
    SPACES,
    ClusteringInput,
    FeatureSource,
    class_hierarchy_of,
    extract_clustering_input,
    normalize_rows_,
    resumable,
    unwrapped,
    with_coarser,
)
from mmrcl.models import KeyBatch
from mmrcl.progress import progress
from mmrcl.registry import HOOKS, TASK_UTILS

from ..dataset_positions import check_sample_idx
from ..scalars import log_scalars


@contextmanager
def _warnings_to(logger: Logger) -> Iterator[None]:
    """Redirect the Python warnings of the clustering library to ``logger``."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        yield
    for warning in caught:
        logger.warning(str(warning.message))


@HOOKS.register_module()
class HierarchicalClusteringHook(Hook):
    """Cluster and refine the label hierarchy of :class:`mmrcl.models.RCL`, or cluster for PCL.

    During the first ``warmup_epochs`` every image is a cluster of its own, so retrievers of
    same-cluster samples fall back to the same-image key and the loss is Eq. 1. Then the keys of all
    images are extracted, with the test-time transform, and clustered by ``source``. Afterwards
    either ``refiner`` refines the clusters of each batch (online), or the source clusters again
    every ``recluster_interval`` epochs (offline), or the labels stay fixed (frozen).

    The bank holds keys of one kind. With a refiner these are the keys of the steps, of augmented
    images, from the first step on: refinement compares no others, and measures its thresholds on
    them. It starts with the first epoch after the warm-up, or without a warm-up with the second,
    for which the first fills the bank. Images that no step has seen by then are clusters of their
    own. Without a refiner the bank has the extracted keys of the last clustering.

    All state is in the model's hierarchy, except the refiner's thresholds of the epoch, which are
    saved in the checkpoint, so resume is exact. The hierarchy is the same on every rank: all ranks
    call the source, which may share its work among them, and use the labels of rank 0; all refine
    with the same gathered keys, and a checksum compares the ranks after each epoch. With gradient
    accumulation the keys of all batches of a step are used at once.

    Args:
        dataloader: config of a loader over the training images in order, with the test-time
            transform.
        source: config of a clustering source: ``DBSCANSource``, ``KMeansSource``,
            ``HierarchicalKMeansSource``, ``FirstNeighborSource``, ``ClassSource``.
        refiner: config of a ``HierarchyRefiner``, or None.
        warmup_epochs: epochs before the first clustering (the paper: 10).
        recluster_interval: epochs between two clusterings by the source, or None.
        max_share: warn after an epoch if a cluster contains more than this share of the images.
        space: features that the source clusters: ``'projection'``, the keys z-hat'; ``'encoder'``,
            the momentum encoder's vectors, or its last feature maps, average-pooled; ``'maps'``,
            these maps flattened; or ``'images'``, pixels after the test-time transform. The last
            two are for small aligned images: for ImageNet they would be 500 and 800 GB. ``'bank'``
            is the bank as the steps of :class:`mmrcl.models.LocalAgg` have left it, ``'scores'``
            what the classifiers of :class:`mmrcl.models.ClusterClassifier` return. Features from
            elsewhere are the config of a feature source: ``FileFeatures``, ``EncoderFeatures``,
            ``HOGFeatures``. They are computed once. Refinement always uses keys.
    """

    def __init__(
        self,
        dataloader: dict,
        source: dict,
        refiner: dict | None = None,
        warmup_epochs: int = 10,
        recluster_interval: int | None = None,
        max_share: float = 0.5,
        space: str | dict = 'projection',
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
                f'{type(self.source).__name__} returns levels that do not nest, which cannot be '
                'refined: set refiner=None and recluster_interval=1, or use DBSCANSource'
            )
        if recluster_interval is not None and recluster_interval < 1:
            raise ValueError(f'recluster_interval={recluster_interval} must be at least 1 epoch')
        if not isinstance(space, dict) and space not in [*SPACES, *OWN_SPACES]:
            raise ValueError(
                f"HierarchicalClusteringHook: space='{space}' is unknown: choose one of "
                f'{", ".join([*SPACES, *OWN_SPACES])}, or set the config of a feature source'
            )
        self.space: str | FeatureSource = (
            space if isinstance(space, str) else TASK_UTILS.build(space)
        )
        if not isinstance(self.space, str) and not hasattr(self.space, 'check'):
            raise ValueError(
                f'HierarchicalClusteringHook: space={type(self.space).__name__} is no feature '
                'source: set space to FileFeatures, EncoderFeatures or HOGFeatures'
            )
        if space == 'bank' and warmup_epochs < 1:
            raise ValueError(
                "HierarchicalClusteringHook: space='bank' clusters what steps have written to the "
                'bank: set warmup_epochs to at least 1. --epochs 1 sets it to 0, --epochs 2 to 1'
            )
        self.warmup_epochs = warmup_epochs
        self.recluster_interval = recluster_interval
        self.max_share = max_share
        self._waiting: list[KeyBatch] = []
        self._foreign: Tensor | None = None

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Save the refiner's thresholds of the epoch."""
        if self.refiner is not None:
            checkpoint['merge_thresholds'] = self.refiner.thresholds

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Restore the refiner's thresholds of the epoch."""
        if self.refiner is not None:
            self.refiner.thresholds = checkpoint.get('merge_thresholds', [])

    def before_train(self, runner: Runner) -> None:
        """Check model, loaders and hierarchy; in a fresh run allocate the training images."""
        model = unwrapped(runner.model)
        if getattr(model, 'hierarchy', None) is None:
            raise ValueError(
                'HierarchicalClusteringHook needs a model with a label hierarchy: set '
                'model.hierarchy=dict(type="LabelHierarchy", ...), or remove the hook by '
                'default_hooks.clustering=None'
            )
        if self.warmup_epochs >= runner.max_epochs:
            raise ValueError(
                f'warmup_epochs={self.warmup_epochs} of HierarchicalClusteringHook must be below '
                f'train_cfg.max_epochs={runner.max_epochs}: clustering would never start. --epochs '
                'changes the length of a training with its warm-ups'
            )
        self.dataloader = runner.build_dataloader(resumable(self.dataloader_cfg), runner.seed)
        size, clustered = len(runner.train_dataloader.dataset), len(self.dataloader.dataset)
        if size != clustered:
            raise ValueError(
                f'HierarchicalClusteringHook.dataloader has {clustered} images, train_dataloader '
                f'{size}: set both to the same data set'
            )
        if isinstance(self.source, KMeansSource):
            self.source.check(size)
        check_sample_idx(runner.train_dataloader.dataset)
        class_hierarchy_of(self.dataloader.dataset)
        if not isinstance(self.space, str) and self._clusters_again(model.hierarchy):
            self.space.check(model, self.dataloader)
        if self.space == 'scores' and not hasattr(model, 'extract_scores'):
            raise ValueError(
                f'HierarchicalClusteringHook: {type(model).__name__} has no classifiers: space='
                "'scores' is for model.type='ClusterClassifier'"
            )
        if self.space in ('encoder', 'maps') and not hasattr(model, 'momentum_encoder'):
            raise ValueError(
                f'HierarchicalClusteringHook: space={self.space!r} is of a momentum encoder, and '
                f"{type(model).__name__} has none: set space='projection'"
            )
        self._check_galleries(model)
        if model.hierarchy.num_samples == 0:
            model.hierarchy.allocate(size)
        elif model.hierarchy.num_samples != size:
            raise ValueError(
                f'the checkpoint holds a hierarchy over {model.hierarchy.num_samples} images, '
                f'train_dataloader has {size}: resume with the data set of the checkpoint, or '
                'start again from its backbone by model.backbone.init_cfg=dict('
                'type="mmrcl.StrictPretrained", checkpoint=...)'
            )

    def _check_galleries(self, model: Any) -> None:
        galleries = [getattr(part, 'gallery', None) for part in getattr(model, 'retrievers', [])]
        if 'bank' in galleries and self.refiner is None and self.recluster_interval is None:
            raise ValueError(
                "a retriever with gallery='bank' would search the keys of the first clustering for "
                "the whole training: set gallery='queue', or recluster_interval or refiner of "
                'HierarchicalClusteringHook, which keep the bank up to date'
            )

    def before_train_epoch(self, runner: Runner) -> None:
        """Cluster at the end of the warm-up and at each interval, then calibrate the refiner.

        A run that resumes inside an epoch skips this: it was done before the run stopped.
        """
        model = unwrapped(runner.model)
        hierarchy = model.hierarchy
        since = runner.epoch - self.warmup_epochs
        if since < 0 or runner.iter > runner.epoch * len(runner.train_dataloader):
            return
        due = self.recluster_interval is not None and since % self.recluster_interval == 0
        if due or not hierarchy.clustered:
            runner.logger.info(f'Clustering {hierarchy.num_samples} images ...')
            images = extract_clustering_input(model, self._space(model), self.dataloader)
            self._cluster(runner, hierarchy, images)
            self._report(runner, hierarchy, runner.epoch)
        if self.refiner is not None and bool(hierarchy.seen.any()):
            _require_finite(bank=hierarchy.bank)
            self.refiner.calibrate(hierarchy)
            listed = ', '.join(f'{value:.3f}' for value in self.refiner.thresholds)
            runner.logger.info(f'Merge thresholds (cosine) from level 2 on: {listed}')

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Update the bank with the keys of the optimiser step, then refine the hierarchy."""
        if self.refiner is None:
            return
        model = unwrapped(runner.model)
        self._waiting.append(model.last_keys)
        if not runner.optim_wrapper.should_update():
            return
        keys = KeyBatch(*(torch.cat(parts) for parts in zip(*self._waiting, strict=True)))
        self._waiting.clear()
        # The refiner computes centres from the bank, so update the bank first.
        model.hierarchy.update_bank(*keys)
        if not self.refiner.thresholds:
            return
        for change in self.refiner.refine(model.hierarchy, keys.indices):
            hub = runner.message_hub
            hub.update_scalar(f'train/splits_level_{change.level}', change.splits)
            hub.update_scalar(f'train/merges_level_{change.level}', change.merges)

    def after_train_epoch(self, runner: Runner) -> None:
        """Compare the hierarchies of the ranks and log the partition of each level."""
        hierarchy = unwrapped(runner.model).hierarchy
        sums = {int(value) for value in all_gather(hierarchy.checksum())}
        if len(sums) > 1:
            raise RuntimeError(
                'the label hierarchies of the ranks differ: use GPUs of one kind, and no hook '
                'that changes labels or bank on one rank only'
            )
        if self.refiner is not None and hierarchy.clustered:
            self._report(runner, hierarchy, runner.epoch + 1)

    def _clusters_again(self, hierarchy: LabelHierarchy) -> bool:
        return self.recluster_interval is not None or not hierarchy.clustered

    def _space(self, model: Any) -> str | Tensor:
        """Return the name of the space, or features from elsewhere, kept if needed again."""
        if isinstance(self.space, str):
            return self.space
        if self._foreign is not None:
            return self._foreign
        features = self.space(model, self.dataloader)
        try:
            check_finite(features, f'features of {type(self.space).__name__}')
        except ValueError as error:
            raise TrainingError(f'the images cannot be clustered: {error}') from error
        normalize_rows_(features)
        if self.recluster_interval is not None:
            self._foreign = features.cpu()  # in host memory between two clusterings
        return features

    def _cluster(self, runner: Runner, hierarchy: LabelHierarchy, images: ClusteringInput) -> None:
        _require_finite(keys=images.keys, features=images.features)
        if self.refiner is None:
            hierarchy.set_bank(images.keys)
        with _warnings_to(runner.logger):
            classes = with_coarser(images.classes, self.dataloader.dataset)
            found = self.source(images.features, classes, progress)
        labels = self._checked(found, hierarchy.labels)
        broadcast(labels)
        hierarchy.set_labels(labels, nested=self.source.nested)

    def _checked(self, found: Tensor, labels: Tensor) -> Tensor:
        if found.shape != labels.shape:
            raise ValueError(
                f'{type(self.source).__name__} returns {found.shape[0]} levels above the images, '
                f'model.hierarchy.num_levels={labels.shape[0] + 1} needs {labels.shape[0]}: give '
                'the source one setting (radius, mean size, number of clusters) per level'
            )
        return found.to(labels)

    def _remedy(self) -> str:
        if self.refiner is None:
            return 'smaller clusters from the source'
        return 'a higher refiner.merge_threshold, or with "auto" fewer refiner.neighbors'

    def _report(self, runner: Runner, hierarchy: LabelHierarchy, epochs: int) -> None:
        scalars: dict[str, float] = {}
        with _warnings_to(runner.logger):
            warn_of_equal_levels(hierarchy.labels)
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


def _require_finite(**parts: Tensor) -> None:
    """End the training if features are not finite; all ranks have the same ones, of all images."""
    for name, part in parts.items():
        try:
            check_finite(part, name)
        except ValueError as error:
            raise TrainingError(
                f'the images cannot be clustered: {error}. Rows are images. The encoder has '
                'diverged: resume from an earlier checkpoint with a lower learning rate or a '
                'longer warm-up'
            ) from error
