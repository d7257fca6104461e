"""Checkpoints that survive an interruption while they are written."""

import os
from pathlib import Path
from typing import Any

from mmengine.dist import all_gather_object, get_rank, get_world_size, is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner
from torch import Tensor

from mmrcl.checkpoint import hub_of, plain_hub
from mmrcl.disk import failure_to_write
from mmrcl.errors import TrainingError
from mmrcl.features import unwrapped
from mmrcl.registry import HOOKS
from mmrcl.version import commit

from ..batch_layout import rescale_progress, save_batch_layout
from ..norm_statistics import norm_statistics
from ..resume_checks import check_resume
from ..schedule_position import take_own_schedules


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """mmengine's ``CheckpointHook``, safe against interruption and a full disk.

    - A checkpoint is written under a temporary name, synced to disk and renamed. Only then are
      older ones beyond ``max_keep_ckpts`` removed.
    - A checkpoint that cannot be written is reported, and training continues; if it is the last
      of the run, the run ends with an error.
    - With gradient accumulation, saving waits for the end of the optimiser step.
    - A checkpoint records the batch layout, so that a run that resumes with another one continues
      at the same share of the training, see :func:`mmrcl.engine.batch_layout.rescale_progress`.
    - A checkpoint contains every process's running statistics of batch norms that are not
      synchronised.
    - A checkpoint holds tensors, numbers, text and containers of them alone, so that
      ``torch.load(path)`` reads it.
    - Only files in the folder of the run are removed, also after the work dir was copied or moved.

    Checkpoints must be files on a local or mounted disk. ``save_best`` works as in mmengine, but a
    best checkpoint that cannot be written is reported and training continues.

    Args:
        max_keep_ckpts: number of checkpoints to keep, including those of :meth:`save_now`; -1 keeps
            all.
        **kwargs: arguments of mmengine's ``CheckpointHook``.
    """

    def __init__(self, *args: Any, max_keep_ckpts: int = -1, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.max_kept = max_keep_ckpts
        self.last_ckpt: str | None = None
        self._due = False
        self._norm_statistics: list[dict[str, Tensor]] = []

    def before_train(self, runner: Runner) -> None:
        """Check that the folder is on a disk, and remove what an interrupted run left there."""
        super().before_train(runner)
        if '://' in str(self.out_dir):
            raise ValueError(
                f'out_dir={self.out_dir} of SafeCheckpointHook is no folder: set one on a local or '
                'mounted disk, or default_hooks.checkpoint.type="CheckpointHook"'
            )
        if self.save_best:
            self._keep_best_in_folder(runner)
        for left in Path(self.out_dir).glob('*.pth.partial') if is_main_process() else ():
            left.unlink(missing_ok=True)

    def _keep_best_in_folder(self, runner: Runner) -> None:
        """Let mmengine look for the best checkpoints, which it removes, in the present folder."""
        info = runner.message_hub.runtime_info
        for name in [name for name in info if name.startswith('best_ckpt')]:
            info[name] = str(Path(self.out_dir, Path(info[name]).name))
        if len(self.key_indicators) == 1:
            self.best_ckpt_path = info.get('best_ckpt')
        else:
            self.best_ckpt_path_dict = {
                key: info.get(f'best_ckpt_{key}') for key in self.key_indicators
            }

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Add commit, batch layout and each process's batch norm statistics; leave only data."""
        checkpoint['meta']['mmrcl_commit'] = commit()
        checkpoint['norm_statistics'] = self._norm_statistics
        save_batch_layout(runner, checkpoint)
        checkpoint['message_hub'] = plain_hub(checkpoint['message_hub'])

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Check the checkpoint and adapt it to the settings of this run, if it resumes."""
        if not runner.cfg.get('resume'):
            return
        check_resume(runner, checkpoint)
        checkpoint['message_hub'] = hub_of(checkpoint['message_hub'])
        statistics = checkpoint.get('norm_statistics', [])
        if len(statistics) == get_world_size():
            checkpoint['state_dict'].update(statistics[get_rank()])
        rescale_progress(runner, checkpoint)
        take_own_schedules(runner, checkpoint)

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Save every ``interval`` iterations, at the end of the optimiser step."""
        if self.by_epoch:
            return
        self._due |= self.every_n_train_iters(runner, self.interval, self.save_begin)
        self._due |= self.save_last and self.is_last_train_iter(runner)
        if self._due and runner.optim_wrapper.should_update():
            self._due = False
            self._save_checkpoint(runner)

    def save_now(self, runner: Runner) -> Path:
        """Save after an iteration, for a run that must stop, and return the file.

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

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        save, scores = super()._save_best_checkpoint, _best_scores(runner)
        # Without it mmengine leaves out what follows here, which not all ranks would reach.
        last, self.last_ckpt = self.last_ckpt, None
        error = failure_to_write(lambda: save(runner, metrics))
        self.last_ckpt = last
        if error is not None:
            self._report_failure(runner, Path(self.out_dir, 'best_*.pth'), error, last=False)
        if last is not None and _best_scores(runner) != scores:
            self._save_checkpoint_with_step(
                runner,
                runner.epoch if self.by_epoch else runner.iter,
                dict(epoch=runner.epoch, iter=runner.iter),
            )

    def _save(self, runner: Runner, path: Path, meta: dict, last: bool) -> None:
        written = runner.message_hub.runtime_info.get('written_checkpoints', [])
        names = [name for name in written if name != path.name] + [path.name]
        surplus = names[: -self.max_kept] if self.max_kept > 0 else []
        runner.message_hub.update_info('written_checkpoints', names[len(surplus) :])
        self._norm_statistics = all_gather_object(norm_statistics(unwrapped(runner.model)))
        error = failure_to_write(lambda: self._write(runner, path, meta))
        self._norm_statistics = []
        if error is not None:
            runner.message_hub.update_info('written_checkpoints', written)
            self._report_failure(runner, path, error, last)
            return
        self.last_ckpt = str(path)
        if is_main_process():
            _note_last(Path(runner.work_dir, 'last_checkpoint'), path)
            for name in surplus:
                path.with_name(name).unlink(missing_ok=True)

    def _write(self, runner: Runner, path: Path, meta: dict) -> None:
        if not is_main_process():
            return
        partial = path.with_name(f'{path.name}.partial')
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
            _put(partial, path)
        finally:
            partial.unlink(missing_ok=True)

    @staticmethod
    def _report_failure(runner: Runner, path: Path, error: OSError, last: bool) -> None:
        problem = f'{path} cannot be written ({error}); earlier checkpoints are kept'
        if last:
            raise TrainingError(f'{problem}. Free disk space and resume from the last.') from error
        if is_main_process():
            runner.logger.error(
                f'{problem}. Training continues: free disk space before the next one.'
            )


def _best_scores(runner: Runner) -> dict[str, float]:
    info = runner.message_hub.runtime_info
    return {name: value for name, value in info.items() if name.startswith('best_score')}


def _note_last(note: Path, path: Path) -> None:
    """Name the last checkpoint in a file; without the file it is found by its iteration."""
    partial = note.with_name('last_checkpoint.partial')
    try:
        partial.write_text(str(path))
        _put(partial, note)
    except OSError:
        partial.unlink(missing_ok=True)
        note.unlink(missing_ok=True)


def _put(partial: Path, path: Path) -> None:
    """Sync a file to disk, then rename it."""
    with partial.open('rb') as file:
        os.fsync(file.fileno())
    partial.replace(path)
