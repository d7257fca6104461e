"""Stops a run whose loss is no number, before it spoils the weights."""

from typing import Any

import torch
from mmengine.dist import all_reduce, barrier
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, nn

from mmrcl.errors import TrainingError
from mmrcl.features import unwrapped
from mmrcl.registry import HOOKS


@HOOKS.register_module()
class NonFiniteLossHook(Hook):
    """Ends the run when a loss is infinite or not a number, before the optimiser's step.

    The weights, not yet spoilt, and the images of the batch are saved as
    ``non_finite_iter_<n>.pth`` to look into. That file is not resumed from: the support queue and
    batch norms have seen the batch.
    """

    def before_train(self, runner: Runner) -> None:
        """Watches the losses that the model gives."""
        self._runner = runner
        self._handle = unwrapped(runner.model).register_forward_hook(self._check)

    def after_train(self, runner: Runner) -> None:
        """Stops watching."""
        self._handle.remove()

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Remembers the batch."""
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
        runner.save_checkpoint(runner.work_dir, name, meta=meta)
        # The first process to end takes the others down.
        barrier()
        raise TrainingError(
            f'the loss of iteration {runner.iter} is not finite ({listed} on this process). The '
            f'weights before its step and the images of its batch are in {runner.work_dir}/{name}. '
            'Try a lower learning rate or a longer warm-up, clip_grad=dict(max_norm=1.0) in '
            'optim_wrapper, a higher temperature of the loss, bfloat16 or full precision instead '
            'of float16; then resume from the last checkpoint'
        )


def _total(value: Tensor | list[Tensor]) -> Tensor:
    """As mmengine adds up a loss."""
    parts = value if isinstance(value, list) else [value]
    return torch.stack([part.detach().float().mean() for part in parts]).sum()
