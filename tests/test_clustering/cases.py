"""Point sets and hierarchies that the clustering tests share."""

import torch
from hypothesis import strategies as st
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


@st.composite
def copied(draw):
    """Unit vectors in float64, and which of the different ones each row is."""
    sizes = draw(st.lists(st.integers(1, 9), min_size=1, max_size=8))
    points = blobs(
        sizes, draw(st.sampled_from([0.05, 0.2, 0.4])), dim=12, seed=draw(st.integers(0, 99))
    )
    times = draw(st.lists(st.integers(1, 12), min_size=len(points), max_size=len(points)))
    row = torch.arange(len(points)).repeat_interleave(torch.tensor(times))
    row = row[torch.randperm(len(row), generator=torch.Generator().manual_seed(sum(times)))]
    return points[row], row
