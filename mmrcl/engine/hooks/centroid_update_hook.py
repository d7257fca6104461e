"""Regular update of the centroids of online deep clustering."""

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmrcl.features import unwrapped
from mmrcl.models import OnlineClusters
from mmrcl.registry import HOOKS


@HOOKS.register_module()
class CentroidUpdateHook(Hook):
    """Call :meth:`mmrcl.models.OnlineClusters.update_centroids` every few iterations.

    Args:
        interval: k, iterations between two updates (Zhan et al., CVPR 2020: 10).

    Raises:
        ValueError: for an interval below 1.
    """

    def __init__(self, interval: int = 10) -> None:
        if interval < 1:
            raise ValueError(
                f'interval={interval} of CentroidUpdateHook must be at least 1 iteration'
            )
        self.interval = interval

    def before_train(self, runner: Runner) -> None:
        """Check the model."""
        if not isinstance(getattr(unwrapped(runner.model), 'hierarchy', None), OnlineClusters):
            raise ValueError(
                'CentroidUpdateHook needs a model with centroids: set '
                'model.hierarchy=dict(type="OnlineClusters", ...), or remove the hook'
            )

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Update the centroids if it is time."""
        if self.every_n_train_iters(runner, self.interval):
            unwrapped(runner.model).hierarchy.update_centroids()
