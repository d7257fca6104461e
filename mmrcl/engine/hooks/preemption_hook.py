"""Checkpoint and exit when a scheduler sends a signal, or on Ctrl-C."""

import contextlib
import os
import signal
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.dist import all_reduce, barrier, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmrcl.device_copies import HostCopy
from mmrcl.preemption import EXIT_CODE, SAVED_NOTE
from mmrcl.registry import HOOKS

from .safe_checkpoint_hook import SafeCheckpointHook


@HOOKS.register_module()
class PreemptionHook(Hook):
    """Save a checkpoint and exit with code 75 after Ctrl-C (SIGINT), SIGTERM or SIGUSR1.

    The signal may reach any of the processes. All of them finish the optimiser step, save by the
    run's :class:`SafeCheckpointHook` and end together; ``--resume`` continues the run. After a
    first Ctrl-C, a second one or SIGTERM ends the process at once.

    The processes compare their signals before each iteration, and the host reads the result after
    it, when it has long arrived. A signal during an iteration is therefore answered after the next
    one. After the last iteration of an epoch they compare once more, for what follows may take
    long.
    """

    priority = 'LOWEST'
    signals = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)

    def __init__(self) -> None:
        self.received = 0
        self._shared: HostCopy | None = None

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
        if number == signal.SIGINT:
            # torch's launcher sends SIGTERM at the second press.
            for deadly in (signal.SIGINT, signal.SIGTERM):
                signal.signal(deadly, signal.SIG_DFL)
            if is_main_process():
                # print() fails where the handler interrupts another print().
                os.write(2, b'\nSaving after this step; press Ctrl-C again to end at once.\n')

    def before_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Let the processes compare the signals that they have received."""
        received = torch.full((), self.received, device=get_device())
        all_reduce(received, 'max')
        self._shared = HostCopy(received)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Save and exit if any process has received a signal.

        Raises:
            SystemExit: with code 75.
        """
        if not runner.optim_wrapper.should_update():
            return
        if self.end_of_epoch(runner.train_dataloader, batch_idx):
            self.before_train_iter(runner)
        received = int(self._shared.read()) if self._shared is not None else 0
        if not received:
            return
        name = signal.Signals(received).name
        checkpoint = self._checkpoint_hook.save_now(runner)
        runner.logger.warning(
            f'{name}: saved {checkpoint}; repeat the command to continue, that of tools/train.py '
            'with --resume'
        )
        if SAVED_NOTE in os.environ:
            # Without the note the launcher's code claims no save.
            with contextlib.suppress(OSError):
                Path(os.environ[SAVED_NOTE]).touch()
        # The launcher kills the others when the first process ends: wait until all are here.
        barrier()
        raise SystemExit(EXIT_CODE)
