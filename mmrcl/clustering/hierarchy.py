"""Nested labels of every image, and the bank of their features."""

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from mmrcl.arguments import check_finite, check_integers, check_tensor

from .segments import group_rows, mean_by_index, segment_min


def canonical_labels(labels: Tensor) -> Tensor:
    """Relabel each cluster by its first image: label = smallest index of a member.

    Two labelings describe the same partition if and only if their canonical labels are equal.

    Args:
        labels: integer labels, shape (N,).

    Returns:
        Canonical labels, shape (N,).
    """
    labels = check_integers(labels, 'labels')
    groups = group_rows(labels)
    return segment_min(torch.arange(len(labels), device=labels.device), groups)[groups.inverse]


class LabelHierarchy(nn.Module):
    """Labels of every image at levels 1..H (Sect. 4.3) and a feature bank.

    Level 1 is the images themselves and is not stored. A cluster is labelled by its first image,
    so a row of ``labels`` holds both the labels of the images and the parent pointers of the
    level below: the parent of cluster ``c`` is ``labels[level, c]``.

    All state is in buffers, which move, save and resume with the module that owns them. Until
    labels are set, every image is a cluster of its own at every level.

    Args:
        num_levels: H, the level of the images included; at least 2.
        feat_dim: d, length of a feature.
        num_samples: N; with 0 :meth:`allocate` or a checkpoint sets the size.
        bank_momentum: share of its old value that a bank entry keeps at an update, in [0, 1). A
            mean over several epochs, so over several pairs of views, is less noisy.
        bank_dtype: ``'float32'``, or ``'float16'`` for half the memory: 0.66 GB for ImageNet at
            d = 256. All sums are taken in float32.

    Attributes:
        clustered: whether labels were set, as the buffer ``initialized`` says; known without
            reading the device.
    """

    labels: Tensor
    bank: Tensor
    initialized: Tensor

    def __init__(
        self,
        num_levels: int = 3,
        feat_dim: int = 256,
        num_samples: int = 0,
        bank_momentum: float = 0.0,
        bank_dtype: Literal['float32', 'float16'] = 'float32',
    ) -> None:
        super().__init__()
        if num_levels < 2:
            raise ValueError(
                f'num_levels={num_levels} must be at least 2: level 1 is the images themselves'
            )
        if not 0 <= bank_momentum < 1:
            raise ValueError(f'bank_momentum={bank_momentum} must be in [0, 1)')
        if bank_dtype not in ('float32', 'float16'):
            raise ValueError(f"bank_dtype='{bank_dtype}' is unknown: use 'float32' or 'float16'")
        self.num_levels = num_levels
        self.feat_dim = feat_dim
        self.bank_momentum = bank_momentum
        self.register_buffer('labels', torch.empty(num_levels - 1, 0, dtype=torch.long))
        self.register_buffer('bank', torch.empty(0, feat_dim, dtype=getattr(torch, bank_dtype)))
        self.register_buffer('initialized', torch.tensor(False))
        self.allocate(num_samples)

    @property
    def num_samples(self) -> int:
        """N, the number of images."""
        return self.labels.shape[1]

    def allocate(self, num_samples: int) -> None:
        """Allocate ``num_samples`` images, each a cluster of its own, with zero features."""
        device = self.labels.device
        alone = torch.arange(num_samples, device=device)
        self.labels = alone.repeat(self.num_levels - 1, 1)
        self.bank = torch.zeros(num_samples, self.feat_dim, dtype=self.bank.dtype, device=device)
        self.initialized = torch.tensor(False, device=device)
        self.clustered = False

    def level_labels(self, level: int) -> Tensor:
        """Return the labels of all images at ``level`` in 1..H, shape (N,)."""
        if level == 1:
            return torch.arange(self.num_samples, device=self.labels.device)
        return self.labels[level - 2]

    @property
    def seen(self) -> Tensor:
        """Whether the bank has a feature of each image, shape (N,), bool; the others are zero."""
        return self.bank.any(1)

    def labels_of(self, indices: Tensor) -> Tensor:
        r"""Return the labels of ``indices``, of any shape, at all levels, shape (H, \*indices)."""
        if self.num_samples == 0:
            raise ValueError(
                'the label hierarchy holds no images: add HierarchicalClusteringHook as '
                'default_hooks.clustering, or set model.hierarchy=None'
            )
        return torch.cat([indices[None], self.labels[:, indices]])

    def set_labels(self, labels: Tensor, nested: bool = True) -> None:
        """Replace the labels of levels 2..H.

        Args:
            labels: any integer labels, shape (H - 1, N), from fine to coarse.
            nested: whether to require nesting. Levels that were clustered independently, as by the
                paper's K-means (Table 4), are not nested and cannot be refined.

        Raises:
            ValueError: for another shape, or levels that are not nested.
        """
        labels = check_integers(labels, 'labels')
        if labels.shape != self.labels.shape:
            raise ValueError(
                f'labels of shape {tuple(labels.shape)} do not fit a hierarchy of levels 2..'
                f'{self.num_levels} over {self.num_samples} images, {tuple(self.labels.shape)}: '
                'give the clustering source one setting (radius, number of clusters) per level'
            )
        named = [canonical_labels(level) for level in labels.to(self.labels.device)]
        self.labels.copy_(torch.stack(named))
        self.initialized.fill_(True)
        self.clustered = True
        if nested:
            self.check()

    def isolate(self, images: Tensor) -> None:
        """Make a cluster of its own, at every level, of each image in a mask of shape (N,)."""
        alone = self.num_samples + self.level_labels(1)
        self.set_labels(torch.where(images, alone, self.labels))

    def set_bank(self, features: Tensor) -> None:
        """Replace the whole bank by ``features`` (N, d), which are L2-normalised first."""
        features = check_tensor(features, 'features')
        if features.shape != self.bank.shape:
            raise ValueError(
                f'features of shape {tuple(features.shape)} do not fit the bank, '
                f'{tuple(self.bank.shape)}: set model.hierarchy.feat_dim to the width of the neck'
            )
        check_finite(features)
        self.bank.copy_(normalize(features, dim=1))

    def update_bank(self, indices: Tensor, features: Tensor) -> None:
        """Move the bank entries of a batch towards its features.

        The first feature of an image is its entry, since the bank starts with zeros. An image that
        occurs more than once, such as the padding of a distributed sampler, counts with the mean of
        its features.

        Args:
            indices: images, shape (n,).
            features: their L2-normalised features, shape (n, d). They are not checked, as this runs
                in each iteration.
        """
        wide = torch.promote_types(self.bank.dtype, torch.float32)
        images, new = mean_by_index(indices, features.to(wide))
        moved = self.bank[images].to(wide).lerp(new, 1 - self.bank_momentum)
        self.bank[images] = normalize(moved, dim=1).to(self.bank.dtype)

    def check(self) -> None:
        """Check that labels are valid, canonical and nested.

        Raises:
            ValueError: with the level and the first image at which a check fails.
        """
        images = self.level_labels(1)
        for level in range(2, self.num_levels + 1):
            labels = self.level_labels(level)
            below = self.level_labels(level - 1)
            inside = (labels >= 0) & (labels <= images)
            named = labels == labels[labels.clamp(0, max(self.num_samples - 1, 0))]
            self._require(inside & named, level, 'its cluster is not labelled by its first image')
            self._require(labels == labels[below], level, 'its cluster of the level below is split')

    def _require(self, holds: Tensor, level: int, what: str) -> None:
        if not bool(holds.all()):
            image = int((~holds).nonzero()[0])
            raise ValueError(f'invalid label hierarchy: image {image} at level {level}: {what}')

    def checksum(self) -> Tensor:
        """Compute an int64 scalar that almost surely differs if labels or bank differ.

        It is used to compare ranks, so it depends on every bit and on the order of the entries.
        """
        total = torch.zeros((), dtype=torch.long, device=self.labels.device)
        bits = torch.int16 if self.bank.dtype == torch.float16 else torch.int32
        # A chunk that fits into a CPU's caches, or one that keeps a GPU busy.
        size = 1 << (18 if total.device.type == 'cpu' else 22)
        weight = torch.arange(1, 2 * size, 2, device=total.device)
        for part in (self.labels, self.bank.view(bits)):
            for chunk in part.flatten().split(size):
                total = total * 1_000_003 + (chunk * weight[: len(chunk)]).sum()
        return total

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        labels = state_dict.get(prefix + 'labels')
        if labels is not None:
            levels, samples = labels.shape[0] + 1, labels.shape[1]
            if self.num_samples == 0 and levels == self.num_levels:
                self.allocate(samples)
            elif (levels, samples) != (self.num_levels, self.num_samples):
                raise ValueError(
                    f'the checkpoint holds a hierarchy of {levels} levels over {samples} images, '
                    f'this run has {self.num_levels} levels over {self.num_samples}: resume with '
                    'the data set and model.hierarchy.num_levels of the checkpoint, or start again '
                    'from its backbone by model.backbone.init_cfg=dict('
                    'type="mmrcl.StrictPretrained", checkpoint=...)'
                )
        super()._load_from_state_dict(state_dict, prefix, *args)
        self.clustered = bool(state_dict.get(prefix + 'initialized', self.clustered))

    def extra_repr(self) -> str:
        """Describe the module in ``print(model)``."""
        return f'num_levels={self.num_levels}, images={self.num_samples}, feat_dim={self.feat_dim}'
