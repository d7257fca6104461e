"""The numbers that the choices of ``mmrcl pretrain`` rest on, in one table."""

from typing import NamedTuple

__all__ = ['DEFAULTS', 'Defaults', 'Rate']


class Rate(NamedTuple):
    """Settings of AdamW, for one batch size.

    Attributes:
        rate: learning rate at ``batch_size``; it grows with the root of the batch.
        batch_size: images of a step.
        weight_decay: weight decay.
    """

    rate: float
    batch_size: int
    weight_decay: float


class Defaults(NamedTuple):
    """All numbers behind the choices; sizes of images are in pixels, of memory in GB.

    Attributes:
        sampled: files whose headers are read; those of a smaller folder all are.
        fewest_images: images that a folder needs.
        smallest_side: shorter side that half of the images must have.
        sizes: image sizes to choose from on a GPU.
        sizes_on_cpu: the same without a GPU. ResNets have a 3 x 3 stem up to 64 pixels, so that 32
            pixels cost more than 80.
        enlargement: how much larger than half of the images the image size may be.
        init_size: smallest image size of a ResNet from a published encoder, whose stem is 7 x 7.
        batch_size: largest batch on a GPU.
        batch_size_on_cpu: largest batch without one.
        fewest_steps: steps of an epoch that the batch must leave.
        memory_per_image: of an image of 224 pixels in training, by model; ``''`` for all others.
        memory_share: part of the GPU's memory for them.
        epochs: pairs of a number of images and the epochs up to it.
        images_on_cpu: images of all epochs together without a GPU.
        epochs_on_cpu: fewest and most epochs without a GPU.
        resnet: learning rate of ResNets.
        other: learning rate of all other models.
        init_factor: factor of the learning rate from a published encoder.
        warm_up: part of the training in which the learning rate rises.
        queue_share: the paper's queue, as a part of the images.
        queue_least: keys that a queue has, if half of the images are as many.
        queue_most: the paper's queue.
        mean_sizes: images per cluster of levels 2 and 3, on average.
        fewest_clusters: clusters that a level must have.
        cluster_warm_up: part of the training before the first clustering.
        clusterings: clusterings of a training.
        momentum: 1 - m of the momentum encoder at the start of a short and of a long training.
        long_training: steps of a long one.
        small: image size up to which views are not blurred or solarised.
        workers: most processes that read images.
        fewest_per_class: images per class, on average, that make class folders labels.
        held_out: every which image of a class is classified by kNN.
        most_scored: most images that kNN classifies and most that vote.
        scores: kNN scores of a training.
        checkpoints: checkpoints of a training.
    """

    sampled: int = 2000
    fewest_images: int = 50
    smallest_side: int = 8
    sizes: tuple[int, ...] = (16, 32, 64, 96, 128, 160, 224)
    sizes_on_cpu: tuple[int, ...] = (16, 32, 80)
    enlargement: float = 1.25
    init_size: int = 96
    batch_size: int = 256
    batch_size_on_cpu: int = 64
    fewest_steps: int = 4
    memory_per_image: tuple[tuple[str, float], ...] = (('resnet18', 0.03), ('', 0.1))
    memory_share: float = 0.6
    epochs: tuple[tuple[float, int], ...] = ((1_000, 400), (200_000, 200), (float('inf'), 100))
    images_on_cpu: int = 40_000
    epochs_on_cpu: tuple[int, int] = (10, 200)
    resnet: Rate = Rate(2e-3, 128, 1e-4)
    other: Rate = Rate(5e-4, 256, 0.05)
    init_factor: float = 0.1
    warm_up: float = 0.1
    queue_share: float = 0.077
    queue_least: int = 4096
    queue_most: int = 98304
    mean_sizes: tuple[float, ...] = (5.0, 20.0)
    fewest_clusters: int = 10
    cluster_warm_up: float = 0.2
    clusterings: int = 20
    momentum: tuple[float, float] = (0.05, 0.01)
    long_training: int = 20_000
    small: int = 64
    workers: int = 8
    fewest_per_class: int = 5
    held_out: int = 5
    most_scored: tuple[int, int] = (2000, 20_000)
    scores: int = 10
    checkpoints: int = 20


DEFAULTS = Defaults()
