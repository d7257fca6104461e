"""Abort on a NaN or Inf loss before the optimiser step."""

from typing import Any

import torch
from mmengine.dist import all_reduce, barrier
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapperDict
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from mmrcl.device_copies import HostCopy
from mmrcl.disk import failure_to_write
from mmrcl.errors import TrainingError
from mmrcl.features import unwrapped
from mmrcl.registry import HOOKS


@HOOKS.register_module()
class NonFiniteLossHook(Hook):
    """Abort the run on a NaN or Inf loss, before the optimiser step.

    The losses, and whether those of any process are not finite, are copied to the host while the
    device computes the gradients. They are read once an iteration: before the optimiser step, or
    after the iteration where there was none, as with gradient accumulation or a loss scaler that
    met NaN. The logger gets the numbers of this copy, for it would read each from the device.

    The weights before the step and the images of the batch are saved as
    ``non_finite_iter_<n>.pth`` for inspection. Do not resume from that file: support queue and
    batch norm statistics already contain the batch.
    """

    # Before the hooks that log an iteration or take its keys.
    priority = 'HIGHEST'

    def __init__(self) -> None:
        self._copy: HostCopy | None = None
        self._names: list[str] = []
        self._values: dict[str, Tensor] = {}
        self._handles: list[RemovableHandle] = []

    def before_train(self, runner: Runner) -> None:
        """Register hooks on the model, which note the losses, and on the optimisers."""
        self._runner = runner
        wrapper = runner.optim_wrapper
        wrappers = wrapper.values() if isinstance(wrapper, OptimWrapperDict) else [wrapper]
        self._handles = [
            unwrapped(runner.model).register_forward_hook(self._note),
            *(each.optimizer.register_step_pre_hook(self._check) for each in wrappers),
        ]

    def after_train(self, runner: Runner) -> None:
        """Remove these hooks."""
        for handle in self._handles:
            handle.remove()

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Keep the batch for the error report."""
        self._batch = data_batch

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict[str, Tensor] | None = None,
    ) -> None:
        """Abort if the optimiser has not asked, and hand the numbers to the logger."""
        self._check()
        if outputs is not None:
            outputs.update({name: self._values.get(name, outputs[name]) for name in outputs})

    def _note(self, model: nn.Module, inputs: Any, losses: Any) -> None:
        if not model.training:
            return
        self._names = sorted(losses, key=lambda name: 'loss' not in name)
        totals = [_total(losses[name]) for name in self._names]
        values = torch.stack([total.to(totals[0].device) for total in totals])
        summed = values[: sum('loss' in name for name in self._names)]
        wrong = (~summed.isfinite().all()).to(values)
        all_reduce(wrong, 'max')
        self._copy = HostCopy(torch.cat([values, wrong[None]]))

    def _check(self, *_: Any) -> None:
        if self._copy is None:
            return
        *values, wrong = self._copy.read().unbind()
        self._copy = None
        self._values = dict(zip(self._names, values, strict=True))
        losses = {name: value for name, value in self._values.items() if 'loss' in name}
        self._values.setdefault('loss', torch.stack(list(losses.values())).sum())
        if wrong:
            self._stop(', '.join(f'{name}={float(value)}' for name, value in losses.items()))

    def _stop(self, listed: str) -> None:
        runner = self._runner
        name = f'non_finite_iter_{runner.iter}.pth'
        images = [sample.get('sample_idx') for sample in self._batch['data_samples']]
        meta = dict(epoch=runner.epoch, iter=runner.iter, images=images)
        error = failure_to_write(lambda: runner.save_checkpoint(runner.work_dir, name, meta=meta))
        fate = 'are in' if error is None else f'are lost ({error}), not in'
        # The launcher kills the others when the first process ends: wait until all are here.
        barrier()
        raise TrainingError(
            f'the loss of iteration {runner.iter} is not finite ({listed} on this process): resume '
            'from the last checkpoint with a lower learning rate, a longer warm-up, '
            'optim_wrapper.clip_grad=dict(max_norm=1.0), a higher temperature, or bfloat16 instead '
            f'of float16. Weights and images of the batch {fate} {runner.work_dir}/{name}'
        )


def _total(value: Tensor | list[Tensor]) -> Tensor:
    """Sum a loss as mmengine does, in float32."""
    parts = value if isinstance(value, list) else [value]
    means = [
        part.detach().float() if part.ndim == 0 else part.detach().float().mean() for part in parts
    ]
    return means[0] if len(means) == 1 else torch.stack(means).sum()
