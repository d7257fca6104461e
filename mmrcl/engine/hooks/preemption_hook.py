"""Checkpoint and exit when a scheduler sends a signal."""

import signal
from types import FrameType
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.dist import all_reduce, barrier
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmrcl.registry import HOOKS

from .safe_checkpoint_hook import SafeCheckpointHook

# EX_TEMPFAIL of sysexits.h: failed for now, try again.
EXIT_CODE = 75


@HOOKS.register_module()
class PreemptionHook(Hook):
    """Save a checkpoint and exit with code 75 after SIGTERM or SIGUSR1.

    The signal may reach any of the processes. All of them finish the optimiser step, save by the
    run's :class:`SafeCheckpointHook` and end together; ``--resume`` continues the run.
    """

    priority = 'LOWEST'
    signals = (signal.SIGTERM, signal.SIGUSR1)

    def __init__(self) -> None:
        self.received = 0

    def before_train(self, runner: Runner) -> None:
        """Install the signal handlers.

        Raises:
            ValueError: if the run has no :class:`SafeCheckpointHook`.
        """
        saving = [hook for hook in runner.hooks if isinstance(hook, SafeCheckpointHook)]
        if not saving:
            raise ValueError(
                'PreemptionHook needs SafeCheckpointHook: set '
                'default_hooks.checkpoint.type="SafeCheckpointHook", or remove PreemptionHook'
            )
        self._checkpoint_hook = saving[0]
        self._before = {number: signal.signal(number, self._note) for number in self.signals}

    def after_train(self, runner: Runner) -> None:
        """Restore the previous signal handlers."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = number

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Save and exit if any process has received a signal.

        Raises:
            SystemExit: with code 75.
        """
        if not runner.optim_wrapper.should_update():
            return
        received = torch.tensor(self.received, device=get_device())
        all_reduce(received, 'max')
        if not received:
            return
        name = signal.Signals(int(received)).name
        checkpoint = self._checkpoint_hook.save_now(runner)
        runner.logger.warning(f'{name}: saved {checkpoint}; continue with --resume')
        # The launcher kills the others when the first process ends: wait until all are here.
        barrier()
        raise SystemExit(EXIT_CODE)
