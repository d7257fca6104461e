"""The device against the CPU: labels, loss, refinement and random keys."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from clustering import imagenet_like, small_blobs
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.clustering import ClusteringSource, DBSCANSource, HierarchyRefiner, KMeansSource
from mmrcl.models import (
    ClusterRetriever,
    LabelHierarchy,
    RelativeContrastiveLoss,
    RetrievalInput,
    SupportQueue,
)

from .results import ONE_KIND, Check, Finding, Place, Skip

# Rounding may move an image that is equally near to two clusters.
LEAST_EQUAL = 0.999


@contextmanager
def threads(number: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def on_both(
    place: Place, labels_on: Callable[[str], Tensor], figures: Mapping[str, Any] | None = None
) -> Finding:
    """Compare labels of the device with those of the CPU, and with its own of a second call.

    Without a GPU the calls differ in the number of threads.
    """
    with threads(1) if not place.on_gpu else threads(torch.get_num_threads()):
        expected = labels_on('cpu').cpu()
    found, again = labels_on(place.device).cpu(), labels_on(place.device).cpu()
    equal = float((found == expected).float().mean())
    repeats = torch.equal(found, again)
    measured = {'equal labels': equal, 'repeats': repeats, **(figures or {})}
    return Finding(repeats and equal >= LEAST_EQUAL, measured, ONE_KIND)


def cluster(place: Place, source: ClusteringSource) -> Finding:
    points = small_blobs(place.size(20_000, 600), place.size(128, 16)).cpu()
    return on_both(place, lambda device: source(points.to(device)))


def dbscan(place: Place) -> Finding:
    return cluster(place, DBSCANSource(eps=[0.6, 0.7], max_share=1.0))


def jaccard(place: Place) -> Finding:
    return cluster(place, DBSCANSource(metric='jaccard', max_share=1.0))


def kmeans(place: Place) -> Finding:
    sizes = place.size([400, 40], [60, 12])
    try:
        source = KMeansSource(sizes)
    except ImportError as error:
        raise Skip(str(error)) from error
    return cluster(place, source)


def refined(images: int, dim: int, device: str) -> Tensor:
    """Return the labels after ten batches have moved the bank and refined the clusters."""
    hierarchy = imagenet_like(images, dim, 'float32').to(device)
    refiner = HierarchyRefiner()
    refiner.calibrate(hierarchy)
    generator = torch.Generator().manual_seed(0)
    for _ in range(10):
        indices = torch.randint(images, (images // 20,), generator=generator)
        noise = 0.3 * normalize(torch.randn(len(indices), dim, generator=generator), dim=1)
        keys = normalize(hierarchy.bank[indices.to(device)] + noise.to(device), dim=1)
        hierarchy.update_bank(indices.to(device), keys)
        refiner.refine(hierarchy, indices.to(device))
    return hierarchy.labels


def refinement(place: Place) -> Finding:
    images, dim = place.size(40_000, 600), place.size(256, 16)
    start = imagenet_like(images, dim, 'float32').labels.cpu()
    moved = float((refined(images, dim, place.device).cpu() != start).float().mean())
    return on_both(place, lambda device: refined(images, dim, device), {'relabelled': moved})


def loss_and_gradient(place: Place, device: str, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Compute loss and gradient of the predictions, with inputs drawn on the CPU."""
    generator = torch.Generator().manual_seed(0)
    batch, length, dim = place.size((256, 65_536, 256), (16, 256, 16))

    def unit(*shape: int) -> Tensor:
        drawn = normalize(torch.randn(*shape, generator=generator), dim=-1)
        return drawn.to(device, dtype)

    predictions = unit(3, batch, dim).requires_grad_()
    keys, queue = unit(batch, 2, dim), unit(length, dim)
    labels = [torch.randint(length, (1, n), generator=generator) for n in (batch, length)]
    positive = torch.rand(batch, 2, 3, generator=generator) < 0.5
    in_queue = torch.tensor([False, True]).expand(batch, 2)[:, :, None]
    output = RelativeContrastiveLoss()(
        predictions=predictions,
        keys=keys,
        positive_mask=positive.to(device),
        queue=queue,
        query_labels=labels[0].to(device),
        entry_labels=labels[1].to(device),
        key_in_denominator=in_queue.to(device),
    )
    loss = output.losses['loss']
    [gradient] = torch.autograd.grad(loss, predictions)
    return loss.detach().cpu().double(), gradient.cpu().double()


def loss(place: Place) -> Finding:
    """Compare float32 on the device with float64 on the CPU."""
    found = loss_and_gradient(place, place.device, torch.float32)
    expected = loss_and_gradient(place, 'cpu', torch.float64)
    off = [float((a - b).norm() / b.norm()) for a, b in zip(found, expected, strict=True)]
    figures = {'loss off by': off[0], 'gradient off by': off[1]}
    remedy = 'keep torch.set_float32_matmul_precision("highest"), and report the figures'
    return Finding(off[0] < 1e-5 and off[1] < 1e-4, figures, remedy)


def random_keys(place: Place) -> Finding:
    """Draw same-cluster keys twice with one seed, and compare their spread with an even one."""
    images, dim, size = 4096, 16, 32
    indices = torch.arange(images, device=place.device)
    hierarchy = LabelHierarchy(3, dim, images).to(place.device)
    hierarchy.set_labels(torch.stack([indices // 4, indices // size]))
    queue = SupportQueue(images, dim).to(place.device)
    features = normalize(torch.randn(images, dim, device=place.device), dim=1)
    queue.enqueue(features, indices)
    retriever = ClusterRetriever(select='random')

    def draw() -> Tensor:
        torch.manual_seed(0)
        given = RetrievalInput(features, indices, queue, hierarchy)
        return torch.stack([retriever(given).indices[:, 0] for _ in range(64)])

    drawn, again = draw(), draw()
    repeats = torch.equal(drawn, again)
    fits = bool(((drawn // size == indices // size) & (drawn != indices)).all())
    counts = torch.bincount(drawn.flatten(), minlength=images).float()
    # Each key is drawn 64 times on average, with a standard deviation of 8.
    spread = float(counts.std())
    figures = {'repeats': repeats, 'same cluster, other image': fits, 'spread (8)': spread}
    return Finding(repeats and fits and abs(spread - 8) < 1, figures, ONE_KIND)


CHECKS: dict[str, Check] = {
    'DBSCAN labels': dbscan,
    'DBSCAN labels, Jaccard': jaccard,
    'K-means labels': kmeans,
    'loss and gradient': loss,
    'refinement labels': refinement,
    'random keys': random_keys,
}
