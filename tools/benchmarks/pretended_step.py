"""Training steps on the pretended device, whose kernels and waits are counted."""

import contextlib
import inspect
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import get_dist_info
from mmengine.logging import MessageHub, MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmpretrain.structures import DataSample
from pretended_device import PretendedDevice
from pretended_refinement import clustered

from mmrcl.registry import HOOKS, MODELS

CONFIGS = Path(__file__).parents[2] / 'configs'
METHODS = {
    'rcl': 'rcl/rcl_resnet50_8xb512-coslr-200e_in1k.py',
    'nnclr-positive': 'baselines/nnclr-positive_resnet50_8xb512-coslr-200e_in1k.py',
    'nnclr': 'baselines/nnclr_resnet50_8xb512-coslr-200e_in1k.py',
}
# Methods of the model's parts, and the phase that they are counted in.
PHASES = {
    'project': 'query forward',
    'update_momentum_encoder': 'EMA',
    'extract_keys': 'momentum forward',
    'retrievers.*.forward': 'retrieve',
    '_positive_mask': 'labels',
    '_labels': 'labels',
    'head.predictor.forward': 'predict',
    'head.loss_module.forward': 'loss',
    'queue.enqueue': 'enqueue',
    '_remember': 'enqueue',
    'hierarchy.update_bank': 'bank',
}
# What runs around a step; the others of a config run at the ends of epochs.
ON_MODULES = ('non_finite_loss', 'pair_monitor')
HOOK_NAMES = ('non_finite_loss', 'runtime_info', 'preemption', 'clustering', 'pair_monitor')


@dataclass(frozen=True)
class Size:
    """Sizes that change no number of kernels as long as one block holds the queue.

    Attributes:
        batch: images of a process.
        pixels: image height and width.
        queue: K.
        images: N.
    """

    batch: int = 16
    pixels: int = 32
    queue: int = 4096
    images: int = 20_000


class Images:
    """A data set of ``images`` labelled images that are drawn when a batch is made."""

    def __init__(self, size: Size) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size.images

    def get_data_info(self, index: int) -> dict[str, int]:
        return dict(sample_idx=index, gt_label=index % 1000)

    def batch(self, step: int) -> dict[str, Any]:
        """Make the batch of this process as the loader does, on the CPU."""
        samples, (rank, ranks) = [], get_dist_info()
        for place in range(self.size.batch):
            image = ((step * self.size.batch + place) * ranks + rank) * 7919 % self.size.images
            sample = DataSample(metainfo=dict(sample_idx=image, view_key=(0, step, image)))
            sample.set_gt_label(image % 1000)
            samples.append(sample)
        shape = (self.size.batch, 3, self.size.pixels, self.size.pixels)
        views = [torch.randint(0, 256, shape, dtype=torch.uint8) for _ in range(2)]
        return dict(inputs=views, data_samples=samples)


@dataclass(frozen=True)
class Loader:
    """What hooks ask a loader for."""

    dataset: Images

    def __len__(self) -> int:
        return len(self.dataset) // self.dataset.size.batch


class Step:
    """Training steps of a config, without backward pass, in the middle of a training.

    Args:
        method: a key of ``METHODS``.
        size: sizes of the input.
        amp: ``'bfloat16'`` or ``'float16'`` for autocast, or ``'none'``.
        device: where the model is.
    """

    def __init__(self, method: str, size: Size, amp: str, device: PretendedDevice) -> None:
        self.device, self.amp = device, amp
        self.images = Images(size)
        config = Config.fromfile(CONFIGS / METHODS[method])
        config.model.queue.length = size.queue
        torch.manual_seed(0)
        self.model = MODELS.build(dict(config.model, data_preprocessor=config.data_preprocessor))
        self.model.train()
        self._fill(size)
        device.move(self.model)
        self.model.data_preprocessor.to('cuda')
        # It says a line of each parameter.
        logger = MMLogger.get_current_instance()
        logger.setLevel('ERROR')
        wrapper = dict(config.optim_wrapper, type='OptimWrapper')
        self.optim_wrapper = build_optim_wrapper(self.model, wrapper)
        hub = MessageHub.get_current_instance()
        hub.update_info('max_iters', 62_400)
        self.runner: Any = SimpleNamespace(
            **dict(model=self.model, optim_wrapper=self.optim_wrapper, message_hub=hub, cfg=config),
            **dict(iter=31_300, epoch=100, max_iters=62_400, max_epochs=200),
            **dict(train_dataloader=Loader(self.images)),
            logger=logger,
        )
        self.hooks = self._hooks(config.default_hooks)
        self._watch()

    def _fill(self, size: Size) -> None:
        """Fill queue and hierarchy: clusters of 5 and 20 images."""
        hierarchy = getattr(self.model, 'hierarchy', None)
        features, images = clustered(size.images, 256, 5, 20), torch.arange(size.images)
        recent = torch.arange(size.queue) % size.images
        self.model.queue.features.copy_(features[recent])
        self.model.queue.indices.copy_(recent)
        if hierarchy is not None:
            hierarchy.allocate(size.images)
            hierarchy.set_bank(features)
            hierarchy.set_labels(torch.stack([images // 5 * 5, images // 20 * 20]))
        if hasattr(self.model, 'momentum_encoder'):
            self.model.momentum_encoder.steps.fill_(31_300)

    def _hooks(self, configured: Any) -> list[Any]:
        settings = dict(runtime_info=dict(type='RuntimeInfoHook'), **configured)
        hooks = []
        for name in HOOK_NAMES:
            if settings.get(name) is None:
                continue
            hook = HOOKS.build(settings[name])
            for method, _ in inspect.getmembers(hook, inspect.ismethod):
                self.device.watch(hook, method, 'hooks')
            if name == 'clustering' and hook.refiner is not None:
                hook.refiner.thresholds = [0.6, 0.5]
                self.device.watch(hook.refiner, 'refine', 'refine')
            if name in ON_MODULES:
                # The classes are read with a progress bar.
                with contextlib.redirect_stdout(io.StringIO()):
                    hook.before_train(self.runner)
            hooks.append(hook)
        return hooks

    def _watch(self) -> None:
        for path, phase in PHASES.items():
            for owner, method in _found(self.model, path.split('.')):
                self.device.watch(owner, method, phase)

    def run(self, number: int) -> None:
        """Run one step."""
        batch = self.images.batch(number)
        self.runner.iter += 1
        for hook in self.hooks:
            hook.before_train_iter(self.runner, number, batch)
        with autocast(self.amp):
            with self.device.phase('preprocess'):
                data = self.model.data_preprocessor(batch, True)
            losses = self.model(**data, mode='loss')
        _, logs = self.model.parse_losses(losses)
        self._give_gradients()
        with self.device.phase('optimiser'):
            self.optim_wrapper.optimizer.step()
        for hook in self.hooks:
            hook.after_train_iter(self.runner, number, batch, logs)

    @torch.no_grad()
    def _give_gradients(self) -> None:
        """Stand in for the backward pass."""
        with self.device.silent():
            for parameter in self.model.parameters():
                if parameter.requires_grad:
                    parameter.grad = torch.full_like(parameter, 1e-3)


def _found(module: Any, path: list[str]) -> Iterator[tuple[Any, str]]:
    """Yield owners of a method; a part that a model lacks has none, and ``*`` stands for all."""
    name, *rest = path
    if not rest:
        if callable(getattr(module, name, None)):
            yield module, name
    elif name == '*':
        for part in module:
            yield from _found(part, rest)
    elif getattr(module, name, None) is not None:
        yield from _found(getattr(module, name), rest)


@contextlib.contextmanager
def scope() -> Iterator[None]:
    """Build parts by the names of mmrcl, and keep the sums of a run to itself."""
    hubs = dict(MessageHub._instance_dict)
    with DefaultScope.overwrite_default_scope('mmrcl'):
        yield
    MessageHub._instance_dict.clear()
    MessageHub._instance_dict.update(hubs)


def autocast(amp: str) -> contextlib.AbstractContextManager[object]:
    """Return the context of a forward pass."""
    if amp == 'none':
        return contextlib.nullcontext()
    return torch.autocast('cuda', getattr(torch, amp))


def count_step(method: str, size: Size, amp: str, device: PretendedDevice) -> None:
    """Count the second of two steps."""
    with scope(), device.open():
        step = Step(method, size, amp, device)
        for number in range(2):
            device.clear()
            step.run(number)
