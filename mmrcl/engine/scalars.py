"""Numbers that hooks log beside those of the training loop."""

from collections.abc import Mapping

from mmengine.runner import Runner


def log_scalars(runner: Runner, scalars: Mapping[str, float], epochs: int) -> None:
    """Logs ``scalars`` with the number of iterations and epochs that are done.

    mmengine hands W&B no step; ``iter`` is in every row so that it can be the axis there.
    """
    runner.visualizer.add_scalars(dict(scalars, epoch=epochs, iter=runner.iter), step=runner.iter)
