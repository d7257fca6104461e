"""kNN accuracy of the frozen encoder during training."""

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from mmrcl.arguments import check_finite
from mmrcl.datasets import check_same_classes
from mmrcl.errors import TrainingError
from mmrcl.evaluation import accuracy, knn_predict
from mmrcl.features import extract_representation, resumable
from mmrcl.registry import HOOKS

from ..scalars import log_scalars


@HOOKS.register_module()
class KNNHook(Hook):
    """Classify test images by their nearest training images every ``interval`` epochs.

    The encoder is in eval mode, the features are the backbone's, average-pooled. The accuracy is
    logged as ``knn/top1`` in [0, 1].

    Args:
        train_dataloader: config of a loader over labelled images, with the test-time transform.
        test_dataloader: config of a loader over the images to classify.
        interval: epochs between two evaluations; the last epoch is always evaluated.
        k: number of neighbours that vote.
        temperature: temperature of the votes' weights.
    """

    def __init__(
        self,
        train_dataloader: dict,
        test_dataloader: dict,
        interval: int = 10,
        k: int = 20,
        temperature: float = 0.07,
    ) -> None:
        self.configs = (train_dataloader, test_dataloader)
        self.interval = interval
        self.k = k
        self.temperature = temperature

    def before_train(self, runner: Runner) -> None:
        """Build both loaders and compare their classes, before any training.

        Raises:
            ConfigError: if their labels stand for different classes.
        """
        self.dataloaders = [
            runner.build_dataloader(resumable(config), runner.seed) for config in self.configs
        ]
        train, test = (loader.dataset for loader in self.dataloaders)
        check_same_classes(train, test, ('KNNHook.train_dataloader', 'KNNHook.test_dataloader'))

    def after_train_epoch(self, runner: Runner) -> None:
        """Evaluate every ``interval`` epochs and after the last one."""
        if not (self.every_n_epochs(runner, self.interval) or self.is_last_train_epoch(runner)):
            return
        train, test = (extract_representation(runner.model, part) for part in self.dataloaders)
        for part, _ in (train, test):
            _require_finite(part)
        top1 = accuracy(knn_predict(*train, test[0], self.k, self.temperature), test[1])
        runner.logger.info(f'kNN accuracy after epoch {runner.epoch + 1}: {top1:.4f}')
        log_scalars(runner, {'knn/top1': top1}, runner.epoch + 1)


def _require_finite(features: Tensor) -> None:
    # All ranks have the features of all images, and decide alike.
    try:
        check_finite(features)
    except ValueError as error:
        raise TrainingError(
            f'KNNHook cannot classify the images: {error}. The encoder has diverged: resume from '
            'an earlier checkpoint with a lower learning rate or a longer warm-up'
        ) from error
