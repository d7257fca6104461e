"""Retrieval of the keys that a query is compared with (Fig. 2, step 2).

A positive is a retrieved key plus a criterion that labels it. The same-image key alone is MoCo; the
nearest key alone is NNCLR's positive; the same-image key and one of the coarsest cluster are RCL.
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from mmrcl.clustering import LabelHierarchy
from mmrcl.registry import MODELS

from ..memories import SupportQueue
from .label_matching import Labeled, draw_match, nearest_match


class Keys(NamedTuple):
    """Keys z' of each query.

    Attributes:
        features: L2-normalised, shape (N, R, d).
        indices: the image of each, shape (N, R).
        found: False where nothing matches and the same-image key is used instead, shape (N, R).
        in_queue: whether the key is an entry of the support queue, shape (N, R).
    """

    features: Tensor
    indices: Tensor
    found: Tensor
    in_queue: Tensor


class RetrievalInput(NamedTuple):
    """Input of a retriever.

    Attributes:
        same_image: key z-hat' of the other view of each query, L2-normalised, shape (N, d).
        indices: images of the queries, shape (N,).
        queue: the support queue.
        hierarchy: labels of all images and their bank, if the algorithm has them.
    """

    same_image: Tensor
    indices: Tensor
    queue: SupportQueue
    hierarchy: LabelHierarchy | None


@MODELS.register_module()
class SameImageRetriever(nn.Module):
    """Retriever of the same-image key, which every criterion labels positive."""

    needs_hierarchy = False

    def forward(self, given: RetrievalInput) -> Keys:
        """Return the key of the other view of each query."""
        always = torch.ones_like(given.indices, dtype=torch.bool)[:, None]
        return Keys(given.same_image[:, None], given.indices[:, None], always, ~always)


class GalleryRetriever(nn.Module):
    """Base of the retrievers that search a gallery by labels.

    A query without a matching key gets its same-image key.

    Args:
        select: the ``'nearest'`` of the matching keys, or a ``'random'`` one.
        gallery: the support ``'queue'``, or the ``'bank'`` of all images (beyond the paper; the
            nearest of N images costs a product with the whole bank).
    """

    needs_hierarchy = True

    def __init__(
        self,
        select: Literal['nearest', 'random'] = 'nearest',
        gallery: Literal['queue', 'bank'] = 'queue',
    ) -> None:
        super().__init__()
        if select not in ('nearest', 'random'):
            raise ValueError(f"retriever select='{select}' is unknown: use 'nearest' or 'random'")
        if gallery not in ('queue', 'bank'):
            raise ValueError(f"retriever gallery='{gallery}' is unknown: use 'queue' or 'bank'")
        self.select = select
        self.gallery = gallery
        self.needs_hierarchy = self.needs_hierarchy or gallery == 'bank'

    def forward(self, given: RetrievalInput) -> Keys:
        """Return one key per query for each pair of labelings of :meth:`labelings`."""
        features, indices, filled = self._entries(given)
        keys = []
        pairs = zip(
            self.labelings(given.indices, given.hierarchy),
            self.labelings(indices.clamp(min=0), given.hierarchy),
            strict=True,
        )
        for queries, entries in pairs:
            gallery = Labeled(entries.shared.masked_fill(~filled, -1), entries.distinct)
            if self.select == 'random':
                position, found = draw_match(queries, gallery)
            else:
                position, found = nearest_match(queries, gallery, given.same_image, features)
            feature = torch.where(
                found[:, None], features[position].to(given.same_image), given.same_image
            )
            index = torch.where(found, indices[position], given.indices)
            keys.append(Keys(feature, index, found, found & (self.gallery == 'queue')))
        return Keys(*(torch.stack(parts, 1) for parts in zip(*keys, strict=True)))

    def _entries(self, given: RetrievalInput) -> tuple[Tensor, Tensor, Tensor]:
        if self.gallery == 'queue':
            return given.queue.features, given.queue.indices, given.queue.indices >= 0
        assert given.hierarchy is not None
        return given.hierarchy.bank, given.hierarchy.level_labels(1), given.hierarchy.seen

    def labelings(self, indices: Tensor, hierarchy: LabelHierarchy | None) -> list[Labeled]:
        """Return, for each key to retrieve, the labels to share with a query and to differ in."""
        raise NotImplementedError


@MODELS.register_module()
class NearestRetriever(GalleryRetriever):
    """Retriever of the nearest key of another image: NNCLR's positive (Dwibedi et al., ICCV 2021).

    Args:
        gallery: see :class:`GalleryRetriever`.
    """

    needs_hierarchy = False

    def __init__(self, gallery: Literal['queue', 'bank'] = 'queue') -> None:
        super().__init__('nearest', gallery)

    def labelings(self, indices: Tensor, hierarchy: LabelHierarchy | None) -> list[Labeled]:
        """Match any other image."""
        return [Labeled(torch.zeros_like(indices), indices)]


@MODELS.register_module()
class ClusterRetriever(GalleryRetriever):
    """Retriever of a same-cluster key of another image, at the coarsest level (Sect. 4, step 2)."""

    def labelings(self, indices: Tensor, hierarchy: LabelHierarchy | None) -> list[Labeled]:
        """Match other images of the coarsest cluster."""
        assert hierarchy is not None
        return [Labeled(hierarchy.labels_of(indices)[-1], indices)]


@MODELS.register_module()
class LevelRetriever(GalleryRetriever):
    """Retriever of one key per level 2..H: same cluster at that level, another at the level below.

    Together with the same-image key, which is of level 1, P_c (Eq. 9) takes all values from 1 to
    1/H.
    """

    def labelings(self, indices: Tensor, hierarchy: LabelHierarchy | None) -> list[Labeled]:
        """Match, at each level, the query's cluster without its cluster of the level below."""
        assert hierarchy is not None
        labels = hierarchy.labels_of(indices)
        return [Labeled(*pair) for pair in zip(labels[1:], labels[:-1], strict=True)]
