"""Abort on a NaN or Inf loss before the optimiser step."""

from typing import Any

import torch
from mmengine.dist import all_reduce, barrier
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, nn

from mmrcl.disk import failure_to_write
from mmrcl.errors import TrainingError
from mmrcl.features import unwrapped
from mmrcl.registry import HOOKS


@HOOKS.register_module()
class NonFiniteLossHook(Hook):
    """Abort the run on a NaN or Inf loss, before the optimiser step.

    The weights before the step and the images of the batch are saved as
    ``non_finite_iter_<n>.pth`` for inspection. Do not resume from that file: support queue and
    batch norm statistics already contain the batch.
    """

    def before_train(self, runner: Runner) -> None:
        """Register a forward hook that checks the losses."""
        self._runner = runner
        self._handle = unwrapped(runner.model).register_forward_hook(self._check)

    def after_train(self, runner: Runner) -> None:
        """Remove the forward hook."""
        self._handle.remove()

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Keep the batch for the error report."""
        self._batch = data_batch

    def _check(self, model: nn.Module, inputs: Any, losses: Any) -> None:
        if not model.training:
            return
        found = {name: value for name, value in losses.items() if 'loss' in name}
        total = torch.stack([_total(value) for value in found.values()])
        wrong = (~total.isfinite().all()).int()
        all_reduce(wrong, 'max')
        if wrong:
            listed = ', '.join(f'{name}={float(_total(value))}' for name, value in found.items())
            self._stop(listed)

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
    """Sum a loss as mmengine does."""
    parts = value if isinstance(value, list) else [value]
    return torch.stack([part.detach().float().mean() for part in parts]).sum()
