"""Training steps for the throughput benchmark: settings, images, and our own methods."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import torch
from clustering import device, imagenet_like
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmpretrain.models.backbones import ResNet
from mmpretrain.structures import DataSample
from torch import Tensor, nn
from torch.nn.functional import interpolate

from mmrcl.registry import HOOKS, MODELS

CONFIGS = Path(__file__).parents[2] / 'configs'
INSTANCE_DISCRIMINATION = (
    CONFIGS / 'baselines/instance-discrimination_resnet18_1xb256-coslr-200e_cifar10.py'
)
NNCLR_POSITIVE = CONFIGS / 'baselines/nnclr-positive_resnet18_1xb256-coslr-200e_cifar10.py'
RCL = CONFIGS / 'rcl/rcl_resnet18_1xb256-coslr-200e_cifar10.py'
DTYPES = {'bfloat16': torch.bfloat16, 'float16': torch.float16}


@dataclass(frozen=True)
class Settings:
    """Settings that all methods share.

    Attributes:
        backbone: mmpretrain's name of the ResNet-18.
        batch: images per step.
        size: image height and width in pixels.
        queue: K.
        images: N.
        amp: dtype of autocast, or 'none'.
        channels_last: memory format of the weights, and of the images for all methods.
    """

    backbone: str
    batch: int
    size: int
    queue: int
    images: int
    amp: str
    channels_last: bool

    @property
    def memory_format(self) -> torch.memory_format:
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def autocast(self) -> torch.autocast | nullcontext:
        if self.amp == 'none':
            return nullcontext()
        return torch.autocast(device(), DTYPES[self.amp])

    def config(self, path: Path) -> Config:
        """Read a config and set this backbone and queue length."""
        config = Config.fromfile(path)
        config.model.queue.length = self.queue
        config.model.backbone.type = self.backbone
        return config


class Batch(NamedTuple):
    """Two views, and samples with their dataset index."""

    views: list[Tensor]
    samples: list[DataSample]


class Images:
    """Random batches of two noisy views; images of one cluster share a pattern."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.hierarchy = imagenet_like(settings.images, 128, 'float32')
        self.generator = torch.Generator().manual_seed(0)
        self.patterns = torch.randn(settings.images, 3, 4, 4, generator=self.generator)
        self.labels = self.hierarchy.labels[-1].cpu()
        self.draw()

    def draw(self) -> None:
        """Draw the next ``batch``."""
        drawn = torch.randperm(len(self.labels), generator=self.generator)[: self.settings.batch]
        pattern = self.patterns[self.labels[drawn]]
        samples = [DataSample() for _ in drawn]
        for sample, index in zip(samples, drawn.tolist(), strict=True):
            sample.set_field(index, 'sample_idx', field_type='metainfo')
        self.batch = Batch([self._view(pattern), self._view(pattern)], samples)

    def _view(self, pattern: Tensor) -> Tensor:
        noisy = pattern + 0.5 * torch.randn(pattern.shape, generator=self.generator)
        view = interpolate(noisy, self.settings.size, mode='bilinear')
        return view.to(device(), memory_format=self.settings.memory_format)


class Training:
    """Training steps of one model with SGD.

    Args:
        model: the model, encoder included.
        loss: function that returns the loss of a batch.
        optimizer: arguments of SGD.
        settings: precision and memory format.
        finish: called at the end of a step.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Callable[[Batch], Tensor],
        optimizer: dict,
        settings: Settings,
        finish: Callable[[], object] = lambda: None,
    ) -> None:
        self.settings = settings
        self.model = model.to(device(), memory_format=settings.memory_format).train()
        self.loss = loss
        self.optimizer = torch.optim.SGD(model.parameters(), **optimizer)
        self.scaler = torch.amp.GradScaler(device(), enabled=settings.amp == 'float16')
        self.finish = finish

    def step(self, batch: Batch) -> None:
        """Run forward, backward and update, then call ``finish``."""
        with self.settings.autocast():
            loss = self.loss(batch)
        self.backward(loss)
        self.update()
        self.finish()

    def backward(self, loss: Tensor) -> None:
        self.scaler.scale(loss).backward()

    def update(self) -> None:
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad()


Build = Callable[[Images, Settings], Training]


def registered(
    config: Config, settings: Settings, finish: Callable[[], object] = lambda: None
) -> Training:
    """Make the training of a registered model of OpenMMLab's interface."""
    # The schedule of the momentum encoder reads max_iters.
    MessageHub.get_current_instance().update_info('max_iters', 10_000)
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    return Training(
        model, lambda batch: model.loss(*batch)['loss'], sgd_arguments(config), settings, finish
    )


def sgd_arguments(config: Config) -> dict:
    """Return the SGD arguments of a config."""
    arguments = dict(config.optim_wrapper.optimizer)
    assert arguments.pop('type') == 'SGD'
    return arguments


def ours(path: Path, images: Images, settings: Settings) -> Training:
    """Make the training of one of our configs, with a full queue and a clustered hierarchy."""
    config = settings.config(path)
    training = registered(config, settings)
    model, hierarchy = training.model, images.hierarchy
    indices = torch.arange(settings.queue, device=device()) % settings.images
    model.queue.enqueue(hierarchy.bank[indices], indices)
    if model.hierarchy is not None:
        model.hierarchy.load_state_dict(hierarchy.state_dict())
        online = dict(refiner=dict(type='HierarchyRefiner'), recluster_interval=None)
        hook = HOOKS.build(dict(config.default_hooks.clustering, **online))
        hook.refiner.calibrate(model.hierarchy)
        runner = SimpleNamespace(
            model=model,
            message_hub=MessageHub.get_current_instance(),
            optim_wrapper=SimpleNamespace(should_update=lambda: True),
        )
        training.finish = partial(hook.after_train_iter, runner, 0)
    return training


def channels_last(path: Path, images: Images, settings: Settings) -> Training:
    """Make the training of one of our configs in the memory format of its ``ChannelsLastHook``."""
    return ours(path, images, replace(settings, channels_last=True))


OURS: dict[str, Build] = {
    'RCL': partial(ours, RCL),
    'instance discrimination': partial(ours, INSTANCE_DISCRIMINATION),
    "NNCLR's positive": partial(ours, NNCLR_POSITIVE),
    'RCL, channels last': partial(channels_last, RCL),
    'instance discrimination, channels last': partial(channels_last, INSTANCE_DISCRIMINATION),
}


def encodings(training: Training, batch: Batch) -> tuple[int, int]:
    """Count how often one step encodes an image, with gradient and without."""
    counts = [0, 0]

    def count(_: nn.Module, __: object, maps: tuple[Tensor, ...]) -> None:
        counts[0 if maps[-1].requires_grad else 1] += len(maps[-1])

    backbones = [module for module in training.model.modules() if isinstance(module, ResNet)]
    handles = [backbone.register_forward_hook(count) for backbone in backbones]
    training.step(batch)
    for handle in handles:
        handle.remove()
    return counts[0] // len(batch.samples), counts[1] // len(batch.samples)
