"""Times of refinement and of DBSCAN with as many images as ImageNet has."""

import statistics
from functools import partial

import measure
from clustering import Refinement, imagenet_like, small_blobs

from mmrcl.clustering import EuclideanGraph, nested_dbscan

from .results import IMAGENET, Check, Finding, Place, out_of_memory

MOST_SECONDS = 15e-3
DBSCAN_SECONDS = 90.0


def refinement(place: Place, shape: str) -> Finding:
    """Time refinements of 4096 images of ImageNet's size, from the same labels each."""
    images, dim, batch = place.size((IMAGENET, 256, 4096), (2000, 16, 64))
    hierarchy = imagenet_like(images, dim, 'float32', shape).to(place.device)
    job = Refinement(hierarchy, batch, shape)
    times = measure.times_in_turn(dict(refine=job), place.size(20, 2), 3, job.reset)['refine']
    figures = {
        'images': images,
        f'refinement [ms] (at most {1e3 * MOST_SECONDS:g})': 1e3 * statistics.median(times),
        'slowest [ms]': 1e3 * max(times),
    }
    remedy = 'refinement runs once a step: compare the figure with the time of a step above'
    return Finding(place.judge(statistics.median(times) <= MOST_SECONDS), figures, remedy)


def dbscan_seconds(place: Place, images: int) -> float:
    points = small_blobs(images, place.size(256, 16)).to(place.device)
    return measure.seconds(lambda: nested_dbscan(EuclideanGraph(points), [0.6, 0.7], 4))


def dbscan(place: Place) -> Finding:
    """Cluster ever more images, up to ImageNet's number where a size would not take too long."""
    sizes = place.size([40_000, 160_000, 640_000, IMAGENET], [300, 600])
    dbscan_seconds(place, sizes[0])
    taken = {sizes[0]: dbscan_seconds(place, sizes[0])}
    for images in sizes[1:]:
        if expected_seconds(taken, images) > DBSCAN_SECONDS:
            break
        seconds = out_of_memory(partial(dbscan_seconds, place, images))
        if seconds is None:
            break
        taken[images] = seconds
    figures = {
        'DBSCAN [s]': {f'{images:,} images': seconds for images, seconds in taken.items()},
        f'expected for {IMAGENET:,} [s]': expected_seconds(taken, IMAGENET),
    }
    fits = max(taken) == sizes[-1]
    remedy = 'the first clustering of ImageNet takes this long, shared by the GPUs of a run'
    return Finding(place.judge(fits), figures, remedy)


def expected_seconds(taken: dict[int, float], images: int) -> float:
    """Extrapolate quadratically from the largest size."""
    largest = max(taken)
    return taken[largest] * (images / largest) ** 2


CHECKS: dict[str, Check] = {
    'refinement, clusters of 2.6 and 5': partial(refinement, shape='small'),
    'refinement, clusters of 4 and 24': partial(refinement, shape='even'),
    'DBSCAN at scale': dbscan,
}
