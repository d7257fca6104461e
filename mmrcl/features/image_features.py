"""Features that a fixed function computes from the pixels of the test-time transform."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate
from torch.utils.data import DataLoader

from mmrcl.arguments import check_features
from mmrcl.models import LIBRARIES
from mmrcl.registry import TASK_UTILS

from .extraction import eval_mode, extract, pooled
from .frozen_encoders import from_checkpoint, from_library

__all__ = ['EncoderFeatures', 'HOGFeatures']

Describe = Callable[[Tensor], Tensor]


class ImageFeatures(ABC):
    """A :class:`FeatureSource` that describes each image by itself; the ranks share the images."""

    def check(self, model: Any, dataloader: DataLoader) -> None:
        """Describe the first image.

        Raises:
            ImportError: without the library that does it.
            ValueError: if images like it cannot be described, or by no numbers, NaN or Inf.
        """
        first = next(iter(dataloader.sampler))
        batch = dataloader.collate_fn([dataloader.dataset[first]])
        try:
            with eval_mode(model):
                found = self._describer(model)(model.data_preprocessor(batch, False)['inputs'])
            check_features(found, 'the features')
        except (ArithmeticError, AssertionError, RuntimeError, TypeError, ValueError) as error:
            reason = ' '.join(str(error).split())
            raise ValueError(
                f'{type(self).__name__} cannot describe the training images: {reason}'
            ) from error

    def __call__(self, model: Any, dataloader: DataLoader) -> Tensor:
        """Describe all images, shape (N, D), on the device of the model."""
        return extract(model, self._describer(model), dataloader).features

    @abstractmethod
    def _describer(self, model: Any) -> Describe:
        """Return a function from normalised images (n, C, H, W) to features (n, D)."""


@TASK_UTILS.register_module()
class EncoderFeatures(ImageFeatures):
    """Features of a frozen encoder: a :class:`FeatureSource`.

    Weights are read from a file. Nothing is downloaded unless ``pretrained`` says so. The encoder
    sees the images of the hook's test-time transform, resized to its own input size and normalised
    as its library does; gray images have three equal channels. Feature maps are average-pooled.

    Args:
        checkpoint: file of the weights. Without ``model`` it is one that ``tools/train.py`` wrote,
            whose encoder gets images of the size at which they come.
        model: name of a model of ``library``. Its classifier is removed.
        library: ``'timm'`` or ``'torchvision'``.
        pretrained: use the library's own weights, which it downloads.
        image_size: height and width in pixels at which ``model`` sees the images; None takes its
            own.

    Raises:
        ValueError: unless exactly one of ``checkpoint`` and ``pretrained`` is set, or for a size
            below 1.
    """

    def __init__(
        self,
        checkpoint: str | None = None,
        model: str | None = None,
        library: str = 'timm',
        pretrained: bool = False,
        image_size: int | None = None,
    ) -> None:
        if (checkpoint is None) != pretrained:
            raise ValueError(
                'EncoderFeatures has no weights, or two kinds: set checkpoint to a file, or '
                'pretrained=True for those that the library downloads'
            )
        if model is None and (pretrained or image_size is not None):
            raise ValueError(
                'EncoderFeatures: pretrained and image_size are for a model of a library: set model'
            )
        if image_size is not None and image_size < 1:
            raise ValueError(f'EncoderFeatures: image_size={image_size} must be at least 1 pixel')
        if library not in LIBRARIES:
            raise ValueError(
                f"EncoderFeatures: library='{library}' is unknown: choose one of "
                f'{", ".join(LIBRARIES)}'
            )
        self.checkpoint = checkpoint
        self.model = model
        self.library = library
        self.image_size = image_size

    def _describer(self, model: Any) -> Describe:
        if self.model is None:
            encoder = from_checkpoint(str(self.checkpoint))
        else:
            encoder = from_library(self.library, self.model, self.checkpoint, self.image_size)
        device = model.data_preprocessor.device
        network = encoder.network.to(device)
        network.eval()  # mmpretrain's backbones return None
        mean, std = encoder.mean.to(device), encoder.std.to(device)

        def describe(images: Tensor) -> Tensor:
            pixels = pixels_of(model, images)
            if encoder.image_size is not None:
                pixels = _resized(pixels, encoder.image_size)
            return pooled(network((pixels - mean) / std))

        return describe


@TASK_UTILS.register_module()
class HOGFeatures(ImageFeatures):
    """Histograms of oriented gradients by scikit-image: a :class:`FeatureSource`.

    Dalal and Triggs, CVPR 2005. Of several channels the one with the largest gradient counts at
    each pixel. Computed on the CPU, for small images that share a layout.

    Args:
        orientations: bins of the histogram of a cell.
        pixels_per_cell: height and width of a cell in pixels.
        cells_per_block: height and width in cells of the blocks in which histograms are normalised.
    """

    def __init__(
        self, orientations: int = 9, pixels_per_cell: int = 8, cells_per_block: int = 3
    ) -> None:
        self.orientations = orientations
        self.pixels_per_cell = pixels_per_cell
        self.cells_per_block = cells_per_block

    def _describer(self, model: Any) -> Describe:
        try:
            from skimage.feature import hog
        except ImportError as error:
            raise ImportError('HOGFeatures needs scikit-image: pip install scikit-image') from error

        def describe(images: Tensor) -> Tensor:
            pixels = pixels_of(model, images).movedim(1, -1).cpu().numpy()
            rows = [
                hog(
                    image,
                    self.orientations,
                    (self.pixels_per_cell, self.pixels_per_cell),
                    (self.cells_per_block, self.cells_per_block),
                    channel_axis=-1,
                )
                for image in pixels
            ]
            return torch.from_numpy(np.stack(rows)).to(images)

        return describe


def pixels_of(model: Any, images: Tensor) -> Tensor:
    """Undo the normalisation of images (n, C, H, W): pixels of 0 to 255, RGB or gray."""
    preprocessor = model.data_preprocessor
    if not preprocessor._enable_normalize:
        return images
    return images * preprocessor.std + preprocessor.mean


def _resized(pixels: Tensor, size: int) -> Tensor:
    if pixels.shape[-2:] == (size, size):
        return pixels
    return interpolate(pixels, (size, size), mode='bicubic', antialias=True).clamp(0, 255)
