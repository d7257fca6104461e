"""A new classifier for new clusters."""

from mmengine.dist import broadcast
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmrcl.features import unwrapped
from mmrcl.registry import HOOKS

from .hierarchical_clustering_hook import HierarchicalClusteringHook


@HOOKS.register_module()
class ClassifierResetHook(Hook):
    """Draw new classifiers ``model.head`` whenever ``HierarchicalClusteringHook`` has clustered.

    K-means numbers its clusters in a new order each time, so the weights of the classifier have
    no meaning for the next labels (DeepCluster, Caron et al., ECCV 2018). The optimiser forgets
    its averages of these weights. All ranks get the weights of rank 0.

    Args:
        interval: epochs between two clusterings, the ``recluster_interval`` of that hook.

    Raises:
        ValueError: for an interval below 1.
    """

    def __init__(self, interval: int = 1) -> None:
        if interval < 1:
            raise ValueError(f'interval={interval} of ClassifierResetHook must be at least 1 epoch')
        self.interval = interval

    def before_train(self, runner: Runner) -> None:
        """Compare the interval with that of the clustering."""
        for hook in runner.hooks:
            if not isinstance(hook, HierarchicalClusteringHook):
                continue
            if hook.recluster_interval != self.interval:
                raise ValueError(
                    f'interval={self.interval} of ClassifierResetHook and recluster_interval='
                    f'{hook.recluster_interval} of HierarchicalClusteringHook must be equal, or '
                    'classifiers would start anew for the same clusters, or stay for others'
                )

    def before_train_epoch(self, runner: Runner) -> None:
        """Draw new classifiers if it is time.

        A run that resumes inside an epoch skips this: it was done before the run stopped.
        """
        inside = runner.iter > runner.epoch * len(runner.train_dataloader)
        if inside or runner.epoch % self.interval:
            return
        head = unwrapped(runner.model).head
        head.reset_classifiers()
        for parameter in head.parameters():
            broadcast(parameter.data)
            runner.optim_wrapper.optimizer.state.pop(parameter, None)
