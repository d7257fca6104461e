"""Measures of the query-key pairs over training (Sect. 4.2)."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from mmrcl.disk import ReportedOnce
from mmrcl.evaluation import PairTally
from mmrcl.features import classes_of, unwrapped
from mmrcl.models import (
    Keys,
    LossOutput,
    RelativeContrastiveLoss,
    RetrievalInput,
    SameImageRetriever,
)
from mmrcl.registry import HOOKS
from mmrcl.visualization import as_image, draw_pair_distributions

from ..scalars import log_scalars


@HOOKS.register_module()
class PairMonitorHook(Hook):
    """Log which pairs the loss attracts, and how many retrieved keys are of the query's class.

    After each epoch it groups all pairs by k, the number of the H criteria that label the pair
    positive, so P_c = k / H (Eq. 9). For each k it logs as ``pairs/k_of_H/...``: ``share`` of all
    pairs, ``probability``, the mean ``P(z'|q_i)`` (Eq. 5), and ``attracted_fraction``, the share
    with eta' < 0 (Eq. 8). If the training images have classes, ``pairs/key_precision`` is the share
    of the keys found by gallery retrievers that are of the query's class.

    Every ``interval`` epochs, and after the last, it draws the distributions of P_c,
    ``P(z'|q_i)`` and eta' as the visualiser's image ``pairs``, and writes them to
    ``vis_data/pairs_ITERATION.npz`` (see :class:`mmrcl.evaluation.PairTally` for its arrays).

    Only the main process measures, on its share of each batch. Its sums are in the checkpoint, so
    that a run resumed inside an epoch logs the same numbers.

    Args:
        interval: epochs between two figures.

    Raises:
        ValueError: for an interval below 1, or a model without a relative contrastive loss.
    """

    def __init__(self, interval: int = 10) -> None:
        if interval < 1:
            raise ValueError(f'interval={interval} of PairMonitorHook must be at least 1 epoch')
        self.interval = interval
        self._written = ReportedOnce('vis_data/pairs_ITERATION.npz of PairMonitorHook')
        self._saved: dict | None = None
        self._handles: list[torch.utils.hooks.RemovableHandle] = []

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Save the sums of the epoch."""
        checkpoint['pair_monitor'] = dict(pairs=self.tally.state_dict(), keys=self.keys)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep the saved sums of the epoch if the run resumes."""
        if runner.cfg.get('resume'):
            self._saved = checkpoint.get('pair_monitor')

    def before_train(self, runner: Runner) -> None:
        """Register forward hooks on the loss and the retrievers."""
        model = unwrapped(runner.model)
        loss = getattr(getattr(model, 'head', None), 'loss_module', None)
        if not isinstance(loss, RelativeContrastiveLoss):
            raise ValueError(
                f'PairMonitorHook needs RelativeContrastiveLoss, which '
                f'{type(model).__name__} does not have: set default_hooks.pair_monitor=None'
            )
        if not is_main_process():
            return
        device = next(model.parameters()).device
        self.tally = PairTally(model.num_criteria).to(device)
        # Number of keys found, and of those with the query's class.
        self.keys = torch.zeros(2, dtype=torch.long, device=device)
        if self._saved is not None:
            self.tally.load_state_dict(self._saved['pairs'])
            self.keys.copy_(self._saved['keys'])
        self._handles = [loss.register_forward_hook(self._count_pairs)]
        classes = classes_of(runner.train_dataloader.dataset)
        if classes is not None:
            self._classes = classes.to(device)
            self._handles += [
                retriever.register_forward_hook(self._count_keys)
                for retriever in model.retrievers
                if not isinstance(retriever, SameImageRetriever)
            ]

    def _count_pairs(self, _: nn.Module, __: tuple, output: LossOutput) -> None:
        self.tally.add(output.pairs)

    def _count_keys(self, _: nn.Module, given: tuple[RetrievalInput], keys: Keys) -> None:
        queries = self._classes[given[0].indices]
        right = keys.found & (self._classes[keys.indices] == queries[:, None])
        self.keys += torch.stack([keys.found.sum(), right.sum()])

    def after_train(self, runner: Runner) -> None:
        """Remove the forward hooks."""
        for handle in self._handles:
            handle.remove()

    def after_train_epoch(self, runner: Runner) -> None:
        """Log the epoch, draw it every ``interval`` epochs, and reset the sums."""
        if not is_main_process():
            return
        log_scalars(runner, self._scalars(), runner.epoch + 1)
        if self.every_n_epochs(runner, self.interval) or self.is_last_train_epoch(runner):
            self._draw(runner)
        self.tally.clear()
        self.keys.zero_()

    def _scalars(self) -> dict[str, float]:
        pairs, attracted, sums = (
            values.tolist() for values in (self.tally.pairs, self.tally.attracted, self.tally.sums)
        )
        scalars = {}
        for k in np.flatnonzero(pairs):
            name = f'pairs/{k}_of_{len(pairs) - 1}'
            scalars[f'{name}/share'] = pairs[k] / sum(pairs)
            scalars[f'{name}/probability'] = sums[k] / pairs[k]
            scalars[f'{name}/attracted_fraction'] = attracted[k] / pairs[k]
        found, right = self.keys.tolist()
        if found:
            scalars['pairs/key_precision'] = right / found
        return scalars

    def _draw(self, runner: Runner) -> None:
        arrays: dict[str, Any] = {
            name: value.cpu().numpy() for name, value in self.tally.named_buffers()
        }
        path = Path(runner.log_dir, 'vis_data', f'pairs_{runner.iter}.npz')
        with self._written:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(path, **arrays)
        title = f'Pairs of epoch {runner.epoch + 1}'
        figure = draw_pair_distributions(
            arrays['probability_edges'],
            arrays['probabilities'],
            arrays['eta_edges'],
            arrays['etas'],
            title,
        )
        runner.visualizer.add_image('pairs', as_image(figure), step=runner.iter)
