"""Logging of scalars by hooks."""

from collections.abc import Mapping

from mmengine.runner import Runner


def log_scalars(runner: Runner, scalars: Mapping[str, float], epochs: int) -> None:
    """Log ``scalars`` with the number of completed iterations and epochs.

    mmengine passes no step to W&B; ``iter`` is in every row so that it can be the axis there.
    """
    runner.visualizer.add_scalars(dict(scalars, epoch=epochs, iter=runner.iter), step=runner.iter)
