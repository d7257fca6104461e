"""The test loop of a pretraining config: evaluation of frozen features."""

from collections.abc import Sequence

import torch
from mmengine.runner import BaseLoop, Runner
from torch.utils.data import DataLoader

from mmrcl.datasets import check_same_classes
from mmrcl.evaluation import (
    METRICS,
    Prediction,
    Score,
    predict_by_representation,
    score_predictions,
)
from mmrcl.features import extract_representation, naming_sizes
from mmrcl.registry import LOOPS


@LOOPS.register_module()
class RepresentationTestLoop(BaseLoop):
    """Evaluate the backbone's features by kNN and a linear probe, with all labels and with few.

    Features are extracted once, in eval mode and sharded over ranks; both scores are computed
    from them (see :func:`mmrcl.evaluation.evaluate_representation`).

    Args:
        runner: the runner.
        dataloader: ``test_dataloader``, over the images to classify.
        evaluator: unused; the runner requires ``test_evaluator=[]`` with a test loop.
        train_dataloader: config of a loader over labelled images, with the test-time transform.
        metrics: any of ``'knn'`` and ``'linear'``.
        label_shares: percentages of the training labels to use.
        seeds: one class-balanced draw of each share per seed; their mean is reported.

    Raises:
        ValueError: for an unknown metric, or loaders whose labels stand for different classes.
    """

    def __init__(
        self,
        runner: Runner,
        dataloader: DataLoader | dict,
        evaluator: list,
        train_dataloader: dict,
        metrics: Sequence[str] = ('knn', 'linear'),
        label_shares: Sequence[int] = (1, 10, 100),
        seeds: Sequence[int] = (0,),
    ) -> None:
        if isinstance(dataloader, dict):
            dataloader = naming_sizes(dataloader)
        super().__init__(runner, dataloader)
        unknown = set(metrics) - set(METRICS)
        if unknown:
            raise ValueError(f'test_cfg.metrics: {sorted(unknown)} not among {sorted(METRICS)}')
        self.train_dataloader = runner.build_dataloader(naming_sizes(train_dataloader))
        sets = self.train_dataloader.dataset, self.dataloader.dataset
        check_same_classes(*sets, ('test_cfg.train_dataloader', 'test_dataloader'))
        self.metrics = {name: METRICS[name] for name in metrics}
        self.label_shares = label_shares
        self.seeds = seeds
        self.predictions: list[Prediction] = []
        self.classes = torch.empty(0, dtype=torch.long)
        self.scores: list[Score] = []

    def run(self) -> dict[str, float]:
        """Return accuracies in [0, 1] by ``metric/share``, as in ``knn/10``.

        The predictions and true classes are kept in ``predictions`` and ``classes``, shape (M,).
        """
        self.runner.call_hook('before_test')
        self.runner.call_hook('before_test_epoch')
        train = extract_representation(self.runner.model, self.train_dataloader)
        features, self.classes = extract_representation(self.runner.model, self.dataloader)
        self.predictions = list(
            predict_by_representation(*train, features, self.label_shares, self.metrics, self.seeds)
        )
        self.scores = score_predictions(self.predictions, self.classes)
        metrics = {f'{row["metric"]}/{row["labels"]}': row['accuracy'] for row in self.scores}
        self.runner.call_hook('after_test_epoch', metrics=metrics)
        self.runner.call_hook('after_test')
        return metrics
