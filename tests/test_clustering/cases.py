"""Point sets and hierarchies that the clustering tests share."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.clustering import LabelHierarchy
from mmrcl.clustering.segments import BlockSizes

# One group or row at a time, a few, and all at once as on a GPU.
BLOCKS = [
    BlockSizes(padded=1, spread=2, products=1, listed=True, converted=1),
    BlockSizes(padded=500, spread=3, products=90, listed=False, converted=512),
    BlockSizes.of(torch.device('cuda')),
]


def blobs(
    sizes: list[int], spread: float, dim: int = 8, seed: int = 0, dtype: torch.dtype = torch.float64
) -> Tensor:
    """Unit vectors around random directions, ``sizes[i]`` around the i-th."""
    generator = torch.Generator().manual_seed(seed)
    centers = normalize(torch.randn(len(sizes), dim, generator=generator, dtype=dtype), dim=1)
    centers = centers.repeat_interleave(torch.tensor(sizes), 0)
    noise = torch.randn(len(centers), dim, generator=generator, dtype=dtype)
    return normalize(centers + spread * noise, dim=1)


def random_hierarchy(num: int, levels: int, dim: int, seed: int) -> LabelHierarchy:
    """A random nested hierarchy over random unit vectors (float64)."""
    generator = torch.Generator().manual_seed(seed)
    hierarchy = LabelHierarchy(levels, dim, num).double()
    labels, current, size = [], torch.arange(num), num
    for _ in range(levels - 1):
        size = max(1, int(size * (0.15 + 0.5 * float(torch.rand((), generator=generator)))))
        current = torch.randint(size, (num,), generator=generator)[current]
        labels.append(current)
    hierarchy.set_labels(torch.stack(labels))
    hierarchy.set_bank(blobs([1] * num, 0.5, dim, seed))
    return hierarchy
