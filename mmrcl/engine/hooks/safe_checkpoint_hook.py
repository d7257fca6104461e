"""Checkpoints of which there is always a whole one."""

import os
from pathlib import Path
from typing import Any

from mmengine.dist import all_gather_object, get_rank, get_world_size, is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner
from torch import Tensor

from mmrcl.errors import TrainingError
from mmrcl.features import unwrapped
from mmrcl.registry import HOOKS
from mmrcl.version import commit

from ..batch_layout import rescale_progress, save_batch_layout
from ..norm_statistics import norm_statistics


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """mmengine's hook, made safe against a stop or a full disk at any time.

    - A checkpoint is written under a temporary name, brought to the disk and renamed. Only then
      are older ones beyond ``max_keep_ckpts`` removed.
    - One that cannot be written is reported, and training goes on towards the next; if it is the
      last of the run, the run ends with an error.
    - With gradient accumulation, one that is due waits for the end of the optimiser's step.
    - It tells which processes and batches wrote it, so that a run that resumes with others goes on
      at the same share of its training, see :func:`mmrcl.engine.batch_layout.rescale_progress`.
    - It holds the running statistics of batch norms of every process, unless they are synchronised.

    Checkpoints are files on a local or mounted disk; the best one by a metric (``save_best``) is
    written as mmengine does.

    Args:
        max_keep_ckpts: how many to keep, those of :meth:`save_now` among them; -1 keeps all.
        **kwargs: of mmengine's ``CheckpointHook``.
    """

    def __init__(self, *args: Any, max_keep_ckpts: int = -1, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.max_kept = max_keep_ckpts
        self._due = False
        self._norm_statistics: list[dict[str, Tensor]] = []

    def before_train(self, runner: Runner) -> None:
        """Finds the folder."""
        super().before_train(runner)
        if '://' in str(self.out_dir):
            raise ValueError(
                f'out_dir={self.out_dir} of SafeCheckpointHook is no folder: set one on a local or '
                'mounted disk, or default_hooks.checkpoint.type="CheckpointHook"'
            )

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Notes the code, what the processes have each of its own, and how many share a step."""
        checkpoint['meta']['mmrcl_commit'] = commit()
        checkpoint['norm_statistics'] = self._norm_statistics
        save_batch_layout(runner, checkpoint)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Fits the checkpoint to the processes and batches of this run."""
        if not runner.cfg.get('resume'):
            return
        statistics = checkpoint.get('norm_statistics', [])
        if len(statistics) == get_world_size():
            checkpoint['state_dict'].update(statistics[get_rank()])
        rescale_progress(runner, checkpoint)

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Saves where it is due by iterations."""
        if self.by_epoch:
            return
        self._due |= self.every_n_train_iters(runner, self.interval, self.save_begin)
        self._due |= self.save_last and self.is_last_train_iter(runner)
        if self._due and runner.optim_wrapper.should_update():
            self._due = False
            self._save_checkpoint(runner)

    def save_now(self, runner: Runner) -> Path:
        """Saves after an iteration, for a run that has to stop, and returns the file.

        Raises:
            TrainingError: if it cannot be written.
        """
        meta = dict(epoch=runner.epoch, iter=runner.iter + 1)
        path = Path(self.out_dir, f'iter_{runner.iter + 1}.pth')
        self._save(runner, path, meta, last=True)
        return path

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        path = Path(self.out_dir, self.filename_tmpl.format(step))
        self._save(runner, path, meta, last=meta['iter'] >= runner.max_iters)

    def _save(self, runner: Runner, path: Path, meta: dict, last: bool) -> None:
        written = runner.message_hub.runtime_info.get('written_checkpoints', [])
        names = [name for name in written if name != path.name] + [path.name]
        surplus = names[: -self.max_kept] if self.max_kept > 0 else []
        runner.message_hub.update_info('written_checkpoints', names[len(surplus) :])
        try:
            self._write(runner, path, meta)
        except OSError as error:
            runner.message_hub.update_info('written_checkpoints', written)
            self._report_failure(runner, path, error, last)
            return
        self.last_ckpt = str(path)
        for name in surplus if is_main_process() else []:
            path.with_name(name).unlink(missing_ok=True)

    def _write(self, runner: Runner, path: Path, meta: dict) -> None:
        partial = path.with_name(f'{path.name}.partial')
        self._norm_statistics = all_gather_object(norm_statistics(unwrapped(runner.model)))
        try:
            runner.save_checkpoint(
                str(path.parent),
                partial.name,
                save_optimizer=self.save_optimizer,
                save_param_scheduler=self.save_param_scheduler,
                meta=meta,
                backend_args=self.backend_args,
                **self.args,
            )
            if is_main_process():
                _put(partial, path)
                note = Path(runner.work_dir, 'last_checkpoint')
                partial_note = note.with_name('last_checkpoint.partial')
                partial_note.write_text(str(path))
                _put(partial_note, note)
        finally:
            self._norm_statistics = []
            partial.unlink(missing_ok=True)

    @staticmethod
    def _report_failure(runner: Runner, path: Path, error: OSError, last: bool) -> None:
        what = f'{path} cannot be written ({error}); the checkpoints before it are left as they are'
        if last:
            raise TrainingError(f'{what}. Make room and resume from the last one.') from error
        runner.logger.error(f'{what}. Training goes on: make room before the next is due.')


def _put(partial: Path, path: Path) -> None:
    """Renames a file once its bytes are on the disk."""
    with partial.open('rb') as file:
        os.fsync(file.fileno())
    partial.replace(path)
