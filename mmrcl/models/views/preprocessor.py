"""The data preprocessor that makes the views of a batch on the training device."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmpretrain.models.utils import SelfSupDataPreprocessor
from mmpretrain.structures import DataSample
from numpy.typing import NDArray
from torch import Tensor

from mmrcl.draws import uniforms
from mmrcl.registry import MODELS

from .base import BatchTransform, Plan, send


@MODELS.register_module()
class ViewsDataPreprocessor(SelfSupDataPreprocessor):
    """Make the views of a batch on the training device, and normalise them.

    For training a batch has, as ``inputs``, one image per sample, from which every view starts, or
    a list with one crop per view. Random numbers depend on (seed, epoch, image, view) alone: on
    ``view_key`` of the samples, which :class:`mmrcl.datasets.SeededDataset` sets. They are drawn on
    the host, so that the device is never waited for. Samples stay on the CPU.

    Without training the images are normalised as by mmpretrain's ``SelfSupDataPreprocessor``.

    Args:
        views: for each view the configs of its transforms, each a :class:`BatchTransform`. They
            take images of 0 to 255, after ``to_rgb``.
        non_blocking: as mmpretrain's; has an effect for the pinned memory of a loader.
        **kwargs: of ``SelfSupDataPreprocessor``, such as ``mean``, ``std`` and ``to_rgb``.

    Raises:
        ValueError: for no views, or something else than batched transforms.
    """

    def __init__(
        self, views: Sequence[Sequence[dict[str, Any]]], non_blocking: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(non_blocking=non_blocking, **kwargs)
        if not views:
            raise ValueError('data_preprocessor.views is empty: set a list of transforms per view')
        self.views = [
            _transforms(configs, f'data_preprocessor.views[{view}]')
            for view, configs in enumerate(views)
        ]

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Make the views of a batch, or normalise its images.

        Args:
            data: ``inputs``, for training 8-bit images (N, C, H, W) or such a batch per view, and N
                ``data_samples``.
            training: whether to make views.

        Returns:
            ``inputs``, for training a list of normalised views (N, C, height, width), and
            ``data_samples``.

        Raises:
            ValueError: for a pipeline that does not fit.
        """
        if not training:
            normalised: dict[str, Any] = super().forward(data, training)
            return normalised
        inputs, samples = data['inputs'], data['data_samples']
        self._check(inputs)
        shared = isinstance(inputs, Tensor)
        sizes = [each.shape[-2:] for each in ([inputs] * len(self.views) if shared else inputs)]
        plans = self._plan(_view_keys(samples), sizes)
        starts = [self._on_device(each) for each in ([inputs] if shared else inputs)]
        if shared:
            starts *= len(self.views)
        # Inside a step in half precision these are float32 all the same.
        with torch.no_grad(), torch.autocast(self.device.type, enabled=False):
            return dict(inputs=self._views(starts, plans), data_samples=samples)

    def _check(self, inputs: Tensor | Sequence[Tensor]) -> None:
        batches = [inputs] if isinstance(inputs, Tensor) else inputs
        if any(batch.ndim != 4 for batch in batches):
            raise ValueError(
                'train_dataloader returns images one by one, not in batches (N, C, H, W): set '
                'train_dataloader.collate_fn=dict(type="default_collate"), and return images of '
                'one size'
            )
        if not isinstance(inputs, Tensor) and len(inputs) != len(self.views):
            raise ValueError(
                f'data_preprocessor.views has {len(self.views)} views, but '
                f'train_dataloader.dataset.pipeline returns {len(inputs)} crops of each image: '
                'make these numbers equal, or return one image'
            )
        for batch in batches:
            if batch.dtype != torch.uint8:
                raise ValueError(
                    f'train_dataloader.dataset.pipeline returns images of {batch.dtype}, but '
                    'ViewsDataPreprocessor takes 8 bits (torch.uint8) and normalises by itself: '
                    'remove transforms that return floats'
                )
            if batch.shape[1] != 3:
                self._check_gray(batch.shape[1])

    def _check_gray(self, channels: int) -> None:
        for view, transforms in enumerate(self.views):
            for transform in transforms:
                if transform.colored:
                    raise ValueError(
                        f'data_preprocessor.views[{view}] has {type(transform).__name__}, which '
                        f'takes 3 channels, but images have {channels}: use BatchBrightness, or '
                        'remove it'
                    )

    def _plan(self, keys: NDArray[np.int64], sizes: Sequence[Sequence[int]]) -> list[list[Plan]]:
        """Draw what is done to each image (N keys), for all views."""
        seed, epochs, images = int(keys[0, 0]), keys[:, 1], keys[:, 2]
        plans = []
        for view, (transforms, (height, width)) in enumerate(zip(self.views, sizes, strict=True)):
            counts = [1 + transform.draws for transform in transforms]
            draws = uniforms(seed, epochs, images, view, sum(counts))
            parts = np.split(draws, np.cumsum(counts), 1)
            size = (height, width)
            planned = []
            for transform, part in zip(transforms, parts, strict=False):
                planned.append(transform.plan(part, size))
                size = transform.output_size(size)
            plans.append(planned)
        return plans

    def _on_device(self, images: Tensor) -> Tensor:
        moved = images.to(self.device, non_blocking=True)
        return moved.flip(1) if self._channel_conversion else moved

    def _views(self, starts: Sequence[Tensor], plans: Sequence[Sequence[Plan]]) -> list[Tensor]:
        """Make a view from each start, an 8-bit batch."""
        sent = iter(send([plan for view in plans for plan in view], self.device))
        views = []
        for start, transforms in zip(starts, self.views, strict=True):
            images = start.float()
            for transform in transforms:
                images = transform.apply(images, *next(sent))
            views.append(
                images.sub_(self.mean).div_(self.std) if self._enable_normalize else images
            )
        return views


def _transforms(configs: Sequence[dict[str, Any]], setting: str) -> list[BatchTransform]:
    listed = isinstance(configs, (list, tuple))
    if not listed or not all(isinstance(config, dict) for config in configs):
        raise ValueError(f'{setting}={configs!r} must be a list of dict(type=..., ...)')
    return [_transform(config, setting) for config in configs]


def _transform(config: dict[str, Any], setting: str) -> BatchTransform:
    kind = config.get('type')
    found = MODELS.get(kind) if isinstance(kind, str) else kind
    if not (isinstance(found, type) and issubclass(found, BatchTransform)):
        known = sorted(each.__name__ for each in BatchTransform.__subclasses__())
        raise ValueError(
            f'{setting}: {kind} is no transform of a batch on the device: use one of '
            f'{", ".join(known)}, or move it into train_dataloader.dataset.pipeline'
        )
    built: BatchTransform = MODELS.build(config)
    return built


def _view_keys(samples: Sequence[DataSample] | None) -> NDArray[np.int64]:
    """Return seed, epoch and image of each sample, int64, shape (N, 3)."""
    if not samples or any('view_key' not in sample for sample in samples):
        raise ValueError(
            'ViewsDataPreprocessor draws by the view_key (seed, epoch, image) of each sample, and '
            'there is none: train by train_cfg.type="ResumableTrainLoop", which wraps the data set '
            'into a SeededDataset'
        )
    return np.array([sample.view_key for sample in samples], np.int64)
