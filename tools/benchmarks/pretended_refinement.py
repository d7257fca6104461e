"""Refinements on the pretended device, whose kernels and waits are counted."""

import torch
from clustering import imagenet_like
from pretended_device import PretendedDevice
from pretended_tensor import PretendedTensor
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.clustering import HierarchyRefiner, LabelHierarchy


def clustered(samples: int, dim: int, fine: int, coarse: int) -> Tensor:
    """Draw unit vectors in clusters of ``fine`` images, inside ones of ``coarse``."""
    generator = torch.Generator().manual_seed(0)
    images = torch.arange(samples)
    features = 0.45 * torch.randn(samples, dim, generator=generator)
    for size, scale in ((fine, 0.5), (coarse, 1.0)):
        centers = scale * torch.randn(samples // size + 1, dim, generator=generator)
        features += centers[images // size]
    return normalize(features, dim=1)


def small_clusters(samples: int) -> LabelHierarchy:
    """Build clusters of 2.6 and 5 images on average, and a large one."""
    return imagenet_like(samples, 256, 'float32')


def wide_clusters(samples: int) -> LabelHierarchy:
    """Build clusters of 4 and 24 images."""
    hierarchy, images = LabelHierarchy(3, 256, samples), torch.arange(samples)
    hierarchy.set_bank(clustered(samples, 256, 4, 24))
    hierarchy.set_labels(torch.stack([images // 4 * 4, images // 24 * 24]))
    return hierarchy


SHAPES = {'2.6 and 5': (small_clusters, [0.6, 0.45]), '4 and 24': (wide_clusters, [0.75, 0.62])}


def count_refinement(shape: str, samples: int, batch: int, device: PretendedDevice) -> None:
    """Count the second of two batches, which meets clusters that the first has changed."""
    build, thresholds = SHAPES[shape]
    hierarchy = build(samples)
    features = hierarchy.bank
    refiner = HierarchyRefiner(merge_threshold=thresholds)
    refiner.thresholds = thresholds
    generator = torch.Generator().manual_seed(1)
    with device.open():
        device.move(hierarchy)
        for _ in range(2):
            device.clear()
            images = torch.randperm(samples, generator=generator)[:batch]
            noise = torch.randn(batch, 256, generator=generator)
            keys = PretendedTensor(normalize(features[images] + 0.0125 * noise, dim=1))
            images = PretendedTensor(images)
            with device.phase('bank'):
                hierarchy.update_bank(images, keys)
            with device.phase('refine'):
                refiner.refine(hierarchy, images)
