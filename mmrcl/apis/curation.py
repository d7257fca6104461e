"""What a hierarchy and its features are good for: near-duplicates, outliers, balanced subsets.

The functions compute where the vectors are, and return tensors on the CPU.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.clustering import (
    FirstNeighborSource,
    LabelHierarchy,
    balanced_order,
    company_level,
    cosine_to_mean,
    group_rows,
    near_duplicates,
    neighbor_similarity,
    paired_cosines,
    representatives,
)
from mmrcl.progress import progress

from .features import Features, vectors_and_paths
from .hierarchies import build_hierarchy, check_same_images
from .image_lists import known, link_images, names_below, write_csv

__all__ = [
    'Duplicates',
    'Outliers',
    'Subset',
    'balanced_subset',
    'find_duplicates',
    'find_outliers',
]

# Of the sizes tried on digits with a long tail these balance the classes best: docs/curation.md.
MEAN_SIZES = (3, 10, 30)


class Duplicates(NamedTuple):
    """Groups of near-duplicates among N images.

    Attributes:
        representatives: the image that stands for each image: the one of its group that is nearest
            to the group's mean, so itself for an image without near-duplicates. Shape (N,).
        cosines: cosine of each image with that one, shape (N,).
        paths: the files, or None if unknown.
    """

    representatives: Tensor
    cosines: Tensor
    paths: list[str] | None

    @property
    def kept(self) -> Tensor:
        """One image of each group, ascending; images without near-duplicates are groups of one."""
        return self.representatives.unique()

    def save_csv(self, path: str | Path) -> Path:
        """Write a row per image of a group of two or more: the largest group first.

        Columns: number of the group, index and file of the image, whether it is kept (1 or 0), and
        its cosine with the one kept. The image kept is the first of its group.
        """
        numbers, images = self._grouped()
        kept = (self.representatives[images] == images).int()
        columns = [images, _names(self.paths, images), kept, _digits(self.cosines[images])]
        return write_csv(
            path, ['group', 'image', 'path', 'kept', 'cosine'], _rows(numbers, columns)
        )

    def link(self, folder: str | Path) -> Path:
        """Link the images into two folders: ``groups`` to look at, and ``kept`` to go on with.

        ``groups`` has a folder for each group of two or more, numbered as in the CSV, in which the
        image kept comes first. ``kept`` has one image of each group and all other images, below
        their own folders.

        Raises:
            FileExistsError: if ``folder`` is not empty.
            FileNotFoundError: if an image does not exist.
            ValueError: if the files are unknown.
        """
        paths = known(self.paths)
        numbers, images = self._grouped()
        width = len(str(len(paths)))
        files = {}
        for place, (number, image) in enumerate(
            zip(numbers.tolist(), images.tolist(), strict=True)
        ):
            name = f'{place:0{width}}_{Path(paths[image]).name}'
            files[f'groups/{number:0{width}}/{name}'] = paths[image]
        below = names_below(paths)
        files |= {f'kept/{below[image]}': paths[image] for image in self.kept.tolist()}
        return link_images(folder, files)

    def _grouped(self) -> tuple[Tensor, Tensor]:
        """Return group number and index of the images in groups of two or more, each (M,)."""
        groups = group_rows(self.representatives)
        by_size = groups.counts.argsort(descending=True, stable=True)
        number = torch.empty_like(by_size)
        number[by_size] = torch.arange(1, len(by_size) + 1)
        first = self.representatives == torch.arange(len(self.representatives))
        order = self.cosines.masked_fill(first, 2).argsort(descending=True, stable=True)
        order = order[number[groups.inverse[order]].argsort(stable=True)]
        order = order[groups.counts[groups.inverse[order]] > 1]
        return number[groups.inverse[order]], order


class Outliers(NamedTuple):
    """How unusual each of N images is.

    Attributes:
        similarities: mean cosine with the k nearest other images, shape (N,); outliers have the
            smallest.
        levels: first level of the hierarchy at which an image shares its cluster, H + 1 if at none,
            shape (N,); None without a hierarchy.
        paths: the files, or None if unknown.
    """

    similarities: Tensor
    levels: Tensor | None
    paths: list[str] | None

    @property
    def order(self) -> Tensor:
        """All images, the most unusual first, shape (N,)."""
        return self.similarities.argsort(stable=True)

    def save_csv(self, path: str | Path) -> Path:
        """Write a row per image, the most unusual first.

        Columns: rank, index and file of the image, its similarity, and its level if there are any.
        """
        images = self.order
        header = ['rank', 'image', 'path', 'similarity']
        columns = [images, _names(self.paths, images), _digits(self.similarities[images])]
        if self.levels is not None:
            header, columns = [*header, 'level'], [*columns, self.levels[images]]
        return write_csv(path, header, _rows(torch.arange(1, len(images) + 1), columns))

    def link(self, folder: str | Path, count: int = 100) -> Path:
        """Link the ``count`` most unusual images into one folder, named by rank.

        Raises:
            FileExistsError: if ``folder`` is not empty.
            FileNotFoundError: if an image does not exist.
            ValueError: if the files are unknown.
        """
        paths = known(self.paths)
        chosen = [paths[image] for image in self.order[:count].tolist()]
        width = len(str(len(chosen)))
        names = [f'{rank:0{width}}_{Path(path).name}' for rank, path in enumerate(chosen, 1)]
        return link_images(folder, dict(zip(names, chosen, strict=True)))


class Subset(NamedTuple):
    """A balanced subset of n images.

    Attributes:
        images: indices in the order of drawing, shape (n,): the first m are the subset of size m.
        labels: their clusters at levels 2..H of the hierarchy, shape (H - 1, n).
        paths: the files of all images, or None if unknown.
    """

    images: Tensor
    labels: Tensor
    paths: list[str] | None

    def save_csv(self, path: str | Path) -> Path:
        """Write a row per image in the order of drawing: index, file and cluster at each level."""
        levels = [f'level_{level}' for level in range(2, len(self.labels) + 2)]
        columns = [_names(self.paths, self.images), *self.labels]
        return write_csv(path, ['image', 'path', *levels], _rows(self.images, columns))

    def link(self, folder: str | Path) -> Path:
        """Link the images into a folder, below their own folders, so that a training can read it.

        Raises:
            FileExistsError: if ``folder`` is not empty.
            FileNotFoundError: if an image does not exist.
            ValueError: if the files are unknown.
        """
        paths = known(self.paths)
        below = names_below(paths)
        return link_images(folder, {below[image]: paths[image] for image in self.images.tolist()})


def find_duplicates(features: Features | Tensor, threshold: float = 0.95) -> Duplicates:
    """Group near-duplicates: images that a chain of pairs with a large cosine connects.

    Every pair is compared, with progress and the time left; see
    :func:`mmrcl.clustering.near_duplicates`.

    Args:
        features: of N images, or their vectors as a tensor or array of shape (N, d).
        threshold: smallest cosine of a pair, in (-1, 1). 1 is the same direction. Which cosine
            means "the same picture" depends on the encoder: begin low, and look at the groups.

    Raises:
        ValueError: for a threshold outside (-1, 1), if there are no features, or a feature is NaN
            or Inf.
    """
    vectors, paths = vectors_and_paths(features)
    labels = near_duplicates(vectors, threshold, progress=progress)
    directions = normalize(vectors.float(), dim=1)
    stand_in = representatives(directions, labels)
    cosines = paired_cosines(directions, directions, stand_in)
    return Duplicates(stand_in.cpu(), cosines.cpu(), paths)


def find_outliers(
    features: Features | Tensor, k: int = 10, hierarchy: LabelHierarchy | None = None
) -> Outliers:
    """Score how near the nearest other images of each image are, and show progress.

    See :func:`mmrcl.clustering.neighbor_similarity` and :func:`mmrcl.clustering.company_level`.

    Args:
        features: of N images, or their vectors as a tensor or array of shape (N, d).
        k: neighbours of an image. An unusual image with k or more copies goes unnoticed.
        hierarchy: from :func:`build_hierarchy`, to say at which level each image has company.

    Raises:
        ValueError: if ``k`` < 1, there are fewer than two images, a feature is NaN or Inf, or the
            hierarchy is of another number of images.
    """
    vectors, paths = vectors_and_paths(features)
    if hierarchy is not None:
        check_same_images(len(vectors), hierarchy)
    levels = None if hierarchy is None else company_level(hierarchy.labels).cpu()
    return Outliers(neighbor_similarity(vectors, k, progress).cpu(), levels, paths)


def balanced_subset(
    features: Features | Tensor,
    size: int,
    hierarchy: LabelHierarchy | None = None,
    select: Literal['random', 'nearest'] = 'random',
    seed: int = 0,
) -> Subset:
    """Draw a subset by sampling down the tree (Vo et al., 2024).

    The coarsest clusters get equal shares, as far as they have images; each divides its share
    among the clusters inside it in the same way. See :func:`mmrcl.clustering.balanced_order`.

    Args:
        features: of N images, or their vectors as a tensor or array of shape (N, d).
        size: number of images, 1..N.
        hierarchy: nested, from :func:`build_hierarchy`; by default one is built, with levels of 3,
            10 and 30 images a cluster on average.
        select: ``'random'`` draws the images of a finest cluster, ``'nearest'`` takes those nearest
            to its mean first.
        seed: seed of all draws.

    Raises:
        ValueError: for a ``size`` outside 1..N or an unknown ``select``, if levels do not nest, or
            the hierarchy is of another number of images.
    """
    vectors, paths = vectors_and_paths(features)
    if not 1 <= size <= len(vectors):
        raise ValueError(f'size={size} must be between 1 and the {len(vectors)} images there are')
    if select not in ('random', 'nearest'):
        raise ValueError(f"select={select!r} is unknown: use 'random' or 'nearest'")
    if hierarchy is None:
        hierarchy = build_hierarchy(vectors, FirstNeighborSource(MEAN_SIZES))
    check_same_images(len(vectors), hierarchy)
    priority = None
    if select == 'nearest':
        priority = -cosine_to_mean(normalize(vectors.float(), dim=1), hierarchy.labels[0])
    images = balanced_order(hierarchy.labels, priority, seed)[:size]
    return Subset(images.cpu(), hierarchy.labels[:, images].cpu(), paths)


def _names(paths: Sequence[str] | None, images: Tensor) -> list[str]:
    return [''] * len(images) if paths is None else [paths[image] for image in images.tolist()]


def _digits(values: Tensor) -> list[str]:
    return [f'{value:.6f}' for value in values.tolist()]


def _rows(first: Tensor, columns: Sequence[Any]) -> Any:
    """Yield the rows of a table of tensors and lists."""
    lists = [part.tolist() if isinstance(part, Tensor) else part for part in [first, *columns]]
    return zip(*lists, strict=True)
