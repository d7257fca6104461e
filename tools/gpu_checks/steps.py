"""Training steps of the shipped configs on random images, as a run takes them."""

import itertools
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from clustering import imagenet_like
from mmengine.config import Config
from mmengine.logging import MessageHub, MMLogger
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmpretrain.structures import DataSample
from torch import Tensor, nn
from torch.nn.functional import interpolate, normalize

from mmrcl.clustering import LabelHierarchy
from mmrcl.features import unwrapped
from mmrcl.launch import read_config
from mmrcl.registry import HOOKS, MODELS

from .results import Place

CONFIGS = Path(__file__).parents[2] / 'configs'
RCL = 'rcl/rcl_resnet50_8xb512-coslr-200e_in1k.py'
NNCLR_POSITIVE = 'baselines/nnclr-positive_resnet50_8xb512-coslr-200e_in1k.py'
LAYOUTS = ('ChannelsLastHook', 'CompileHook')
PRECISIONS = {
    'float32': dict(type='OptimWrapper'),
    'bfloat16': dict(type='BFloat16OptimWrapper'),
    'float16': dict(type='AmpOptimWrapper', dtype='float16', loss_scale='dynamic'),
}
# A ResNet-18 of 4 channels with 16-dimensional keys.
TOY = {
    'backbone.depth': 18,
    'backbone.stem_channels': 4,
    'backbone.base_channels': 4,
    'neck.in_channels': 32,
    'neck.hid_channels': 16,
    'neck.out_channels': 16,
    'head.predictor.in_channels': 16,
    'head.predictor.hid_channels': 16,
    'head.predictor.out_channels': 16,
    'queue.length': 512,
    'queue.feat_dim': 16,
}


def shipped(name: str, toy: bool = False) -> Config:
    """Read a shipped config, with a tiny encoder if asked."""
    config = read_config(str(CONFIGS / name))
    if toy:
        config.merge_from_dict({f'model.{key}': value for key, value in TOY.items()})
        if config.model.hierarchy is not None:
            config.model.hierarchy.feat_dim = TOY['queue.feat_dim']
    return config


def in_precision(config: Config, precision: str) -> Config:
    """Train in a precision, whatever the config trains in."""
    for key in ('type', 'dtype', 'loss_scale'):
        config.optim_wrapper.pop(key, None)
    config.optim_wrapper.update(PRECISIONS[precision])
    return config


def in_layout(config: Config, **hooks: dict[str, Any]) -> Config:
    """Use these hooks that change the layout of the model, and none of the config's."""
    for name, hook in dict(config.default_hooks).items():
        if hook is not None and hook['type'] in LAYOUTS:
            del config.default_hooks[name]
    config.default_hooks.update(hooks)
    return config


def plain_norm(config: Config) -> Config:
    """Replace synchronised batch norm by plain batch norm."""
    config.model.backbone.norm_cfg = dict(type='BN')
    config.model.neck.norm_cfg = dict(type='BN1d')
    config.model.head.predictor.norm_cfg = dict(type='BN1d')
    return config


def accumulated(config: Config) -> int:
    """Return over how many batches the config adds up gradients."""
    return int(config.optim_wrapper.get('accumulative_counts', 1))


class Steps:
    """Training steps of a config, with a full queue and a clustered hierarchy.

    Args:
        config: of a model that takes two views in 8 bits.
        place: device and size.
        batch: images a step.
        images: N, the images of the data set.
        distributed: wrap the model for the processes of the group.
        rank: whose images these are.
    """

    def __init__(
        self,
        config: Config,
        place: Place,
        batch: int,
        images: int,
        distributed: bool = False,
        rank: int = 0,
    ) -> None:
        init_default_scope('mmrcl')
        MMLogger.get_current_instance().setLevel('ERROR')
        # The schedule of the momentum encoder reads max_iters.
        MessageHub.get_current_instance().update_info('max_iters', 10_000)
        torch.backends.cudnn.benchmark = config.env_cfg.get('cudnn_benchmark', False)
        torch.manual_seed(0)
        config.model.setdefault('data_preprocessor', config.data_preprocessor)
        # A rate of the warm-up, with which a run begins.
        config.optim_wrapper.optimizer.lr *= 0.1
        self.place = place
        self.model: Any = MODELS.build(config.model).to(place.device).train()
        self._fill(config, images)
        self._lay_out(config)
        if distributed:
            ids = [torch.cuda.current_device()] if place.on_gpu else None
            self.model = MMDistributedDataParallel(
                self.model, device_ids=ids, broadcast_buffers=False
            )
        self.optim_wrapper = build_optim_wrapper(self.model, config.optim_wrapper)
        drawn = [random_batch(place, batch, images, 1000 * n + rank) for n in range(2)]
        self.batches = itertools.cycle(drawn)
        self.hook: Any = None
        if config.model.hierarchy is not None:
            self.hook = HOOKS.build(config.default_hooks.clustering)
            self.hook.refiner.calibrate(unwrapped(self.model).hierarchy)

    def _fill(self, config: Config, images: int) -> None:
        """Fill queue and hierarchy."""
        queue = self.model.queue
        stored = torch.arange(config.model.queue.length) % images
        if self.model.hierarchy is None:
            features = normalize(torch.randn(len(stored), config.model.queue.feat_dim), dim=1)
        else:
            hierarchy = clustered(images, self.model.hierarchy.feat_dim)
            features = hierarchy.bank[stored]
            self.model.hierarchy.load_state_dict(hierarchy.state_dict())
        queue.enqueue(features.to(self.place.device), stored.to(self.place.device))

    def _lay_out(self, config: Config) -> None:
        for hook in config.default_hooks.values():
            if hook is not None and hook['type'] in LAYOUTS:
                HOOKS.build(hook).before_train(SimpleNamespace(model=self.model))

    def train(self) -> Tensor:
        """Take one step with the next batch, without refinement, and return the loss."""
        logged = self.model.train_step(next(self.batches)(), self.optim_wrapper)
        return logged['loss'].detach()

    def refine(self) -> None:
        """Refine the hierarchy by the keys of the last step, as the config's hook does."""
        if self.hook is not None:
            hub = MessageHub.get_current_instance()
            runner = SimpleNamespace(
                model=self.model, optim_wrapper=self.optim_wrapper, message_hub=hub
            )
            self.hook.after_train_iter(runner, 0)

    def step(self) -> Tensor:
        """Take one step with the next batch, refine, and return the loss."""
        loss = self.train()
        self.refine()
        return loss

    def losses(self, number: int) -> list[float]:
        """Take some steps and return their losses."""
        return torch.stack([self.step() for _ in range(number)]).tolist()

    def state(self) -> Sequence[Tensor]:
        """Return parameters, queue and labels."""
        model: nn.Module = unwrapped(self.model)
        tensors = [*model.parameters(), *model.queue.buffers()]
        return tensors + ([] if model.hierarchy is None else [*model.hierarchy.buffers()])


def random_batch(place: Place, batch: int, images: int, seed: int) -> Callable[[], dict[str, Any]]:
    """Draw two noisy views of some images in 8 bits, and samples with their indices.

    Returns:
        A function that makes the batch anew, as models may change its lists.
    """
    generator = torch.Generator().manual_seed(seed)
    indices = torch.randint(images, (batch,), generator=generator).tolist()
    pattern = 255 * torch.rand(batch, 3, 4, 4, generator=generator)
    views = [noisy_view(place, pattern, generator) for _ in range(2)]
    keys = [dict(sample_idx=index, view_key=(0, seed, index)) for index in indices]
    return lambda: dict(
        inputs=list(views), data_samples=[DataSample(metainfo=dict(key)) for key in keys]
    )


def noisy_view(place: Place, pattern: Tensor, generator: torch.Generator) -> Tensor:
    noisy = pattern + 40 * torch.randn(pattern.shape, generator=generator)
    view = interpolate(noisy, place.size(224, 32), mode='bilinear').clamp(0, 255).to(torch.uint8)
    return view.pin_memory() if place.on_gpu else view


@lru_cache(maxsize=1)
def clustered(images: int, dim: int) -> LabelHierarchy:
    """Make a hierarchy as large as ImageNet's clusters, on the CPU."""
    return imagenet_like(images, dim, 'float32').cpu()
