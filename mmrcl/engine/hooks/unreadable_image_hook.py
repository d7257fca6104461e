"""Count of the images that cannot be read."""

from typing import Any

from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmrcl.errors import TrainingError
from mmrcl.registry import HOOKS


@HOOKS.register_module()
class UnreadableImageHook(Hook):
    """Report the images that :class:`mmrcl.datasets.SeededDataset` had to replace.

    Processes exchange their counts every ``interval`` iterations and at the end of an epoch. Each
    image counts once.

    Args:
        limit: maximum number of unreadable images; one more ends the run.
        interval: iterations between two reports.
    """

    def __init__(self, limit: int = 100, interval: int = 100) -> None:
        if limit < 0 or interval < 1:
            raise ValueError(
                f'UnreadableImageHook: limit={limit} must be at least 0, interval={interval} at '
                'least 1'
            )
        self.limit = limit
        self.interval = interval
        self._found: dict[int, str] = {}
        self._new: dict[int, str] = {}

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Record the replaced images of a batch, and report every ``interval`` iterations."""
        for sample in data_batch['data_samples']:
            for image, file, reason in sample.get('unreadable', ()):
                if image not in self._found:
                    self._new[image] = f'{file} ({reason})'
        if self.every_n_train_iters(runner, self.interval):
            self._report(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        """Report the images of the epoch not reported yet."""
        self._report(runner)

    def _report(self, runner: Runner) -> None:
        for part in all_gather_object(self._new):
            for image in part.keys() - self._found.keys():
                runner.logger.warning(f'Unreadable image, replaced by another: {part[image]}')
                self._found[image] = part[image]
        self._new = {}
        if len(self._found) > self.limit:
            raise TrainingError(
                f'{len(self._found)} images of {len(runner.train_dataloader.dataset)} cannot be '
                f'read, the last is {list(self._found.values())[-1]}: repair the data set, or '
                f'raise limit={self.limit} of UnreadableImageHook'
            )
