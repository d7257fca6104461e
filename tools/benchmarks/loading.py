"""Input of the throughput benchmark: one batch by what each library ships, in one process.

With ImageNet's stem the pictures are JPEG files of 500 x 375 pixels, and views have the blur and
solarizing of each library. With the 3 x 3 stem they are 32 x 32 pixels in memory, and views have
neither, as the shipped CIFAR-10 views of ours. Crops have the size of `--size`.

- mmrcl: pipeline and ViewsDataPreprocessor of the configs for ImageNet and CIFAR-10.
- mmpretrain: pipeline and SelfSupDataPreprocessor of its MoCo v3.
- lightly: the transforms of its examples, on Pillow's images.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from clustering import device
from input import IMAGENET, photo, write_photos
from mmengine.config import Config
from mmengine.dataset import default_collate
from mmengine.hub import get_config
from mmengine.registry import DefaultScope
from mmpretrain.datasets import BaseDataset
from PIL import Image
from torch import Tensor
from torch.utils.data import default_collate as torch_collate
from training import RCL, Batch, Images, Settings

from mmrcl.datasets import SampleKey, SeededDataset
from mmrcl.registry import MODELS

PICTURES = 256
WITHOUT_BLUR = ('GaussianBlur', 'Solarize')

Load = Callable[[Sequence[int]], list[Tensor]]


class Pictures(BaseDataset):
    """Pictures in memory or in files, each a dict with ``img`` or ``img_path``."""

    def __init__(self, pictures: list[dict], **kwargs: Any) -> None:
        self.pictures = pictures
        super().__init__(ann_file='', **kwargs)

    def load_data_list(self) -> list[dict]:
        """Return the pictures, for mmengine's data set."""
        return [dict(picture) for picture in self.pictures]


def has_files(settings: Settings) -> bool:
    """Say whether pictures are files, as they are with ImageNet's stem."""
    return settings.backbone == 'ResNet'


def make_pictures(settings: Settings, folder: Path) -> list[dict]:
    """Generate the pictures, as files below ``folder`` if they are files."""
    if has_files(settings):
        write_photos(folder, 500, 375, PICTURES)
        return [dict(img_path=str(path)) for path in sorted(folder.iterdir())]
    rng = np.random.default_rng(0)
    return [dict(img=np.asarray(photo(32, 32, rng))) for _ in range(PICTURES)]


def scaled(config: Any, size: int) -> Any:
    """Return a config of transforms with every ``scale`` set."""
    if isinstance(config, dict):
        return {
            name: size if name == 'scale' else scaled(value, size) for name, value in config.items()
        }
    return [scaled(each, size) for each in config] if isinstance(config, list) else config


def mmrcl(pictures: list[dict], settings: Settings) -> Load:
    """Return the input of our configs."""
    config = Config.fromfile(IMAGENET if has_files(settings) else RCL)
    pipeline = scaled(config.train_dataloader.dataset.pipeline, settings.size)
    dataset = SeededDataset(dict(type=Pictures, pictures=pictures, pipeline=pipeline))
    views = MODELS.build(scaled(config.data_preprocessor, settings.size)).to(device())
    epochs = count()

    def load(numbers: Sequence[int]) -> list[Tensor]:
        epoch = next(epochs)
        samples = dataset.__getitems__([SampleKey(0, epoch, number) for number in numbers])
        return views(default_collate(samples), training=True)['inputs']

    return load


def mmpretrain(pictures: list[dict], settings: Settings) -> Load:
    """Return the input of mmpretrain's MoCo v3."""
    config = get_config('mmpretrain::mocov3/mocov3_resnet50_8xb512-amp-coslr-100e_in1k.py')
    reading, views, packing = scaled(config.train_pipeline, settings.size)
    if has_files(settings):
        pipeline = [reading, views, packing]
    else:
        kept = [
            [each for each in view if each['type'] not in WITHOUT_BLUR]
            for view in views['transforms']
        ]
        pipeline = [views | dict(transforms=kept), packing]
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        dataset = Pictures(pictures, pipeline=pipeline)
        preprocessor = MODELS.build(config.data_preprocessor).to(device())

    def load(numbers: Sequence[int]) -> list[Tensor]:
        samples = default_collate([dataset[number] for number in numbers])
        return preprocessor(samples, training=True)['inputs']

    return load


def lightly(transform: str, pictures: list[dict], settings: Settings) -> Load:
    """Return the input by one of lightly's transforms."""
    from lightly import transforms  # optional

    blur = {} if has_files(settings) else dict(gaussian_blur=0.0)
    views = getattr(transforms, transform)(input_size=settings.size, **blur)

    def opened(picture: dict) -> Image.Image:
        if 'img' in picture:
            return Image.fromarray(picture['img'])
        with Image.open(picture['img_path']) as image:
            return image.convert('RGB')

    def load(numbers: Sequence[int]) -> list[Tensor]:
        return torch_collate([views(opened(pictures[number])) for number in numbers])

    return load


def loader_of(method: str) -> Callable[[list[dict], Settings], Load]:
    """Return what makes the input of a method of the benchmark, by its name."""
    if '(mmpretrain)' in method:
        return mmpretrain
    if '(lightly)' in method:
        return partial(lightly, 'SimCLRTransform' if 'NNCLR' in method else 'MoCoV2Transform')
    return mmrcl


class Input:
    """Batches of one method, loaded for the images that are drawn.

    Args:
        load: returns the views of numbered pictures.
        images: draws the images; there are more of them than pictures.
        settings: memory format of the views.
    """

    def __init__(self, load: Load, images: Images, settings: Settings) -> None:
        self.load, self.images, self.settings = load, images, settings

    def next(self) -> None:
        """Load ``batch``, the views of the images drawn last."""
        samples = self.images.batch.samples
        views = self.load([sample.sample_idx % PICTURES for sample in samples])
        memory_format = self.settings.memory_format
        self.batch = Batch(
            [view.to(device(), memory_format=memory_format) for view in views], samples
        )


def inputs_of(
    methods: Sequence[str], images: Images, settings: Settings, folder: Path
) -> dict[str, Input]:
    """Return the input of each method; files are written below ``folder``."""
    cv2.setNumThreads(torch.get_num_threads())
    pictures = make_pictures(settings, folder)
    return {
        method: Input(loader_of(method)(pictures, settings), images, settings) for method in methods
    }
