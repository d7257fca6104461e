"""Results of the arms of an ablation, and differences between arms seed by seed."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from mmrcl.evaluation import Correct

__all__ = [
    'Column',
    'ArmResult',
    'RunResult',
    'accuracies',
    'columns_of',
    'common_seeds',
    'seed_differences',
]

Column = tuple[str, int]
"""A metric and the percentage of the labels."""


class RunResult(NamedTuple):
    """Results of one training.

    Attributes:
        correct: which test images are classified rightly, by metric and share of the labels.
        seconds: of training.
        measures: further numbers by name.
        memory: peak of the training in MB, NaN if it was not logged.
    """

    correct: Correct
    seconds: float
    measures: Mapping[str, float]
    memory: float = math.nan


@dataclass(frozen=True)
class ArmResult:
    """An arm and its results.

    Attributes:
        title: what tables call it.
        reference: title of the arm that it is compared with, or None.
        runs: by seed.
        setting: name of the setting that a search has chosen.
    """

    title: str
    reference: str | None = None
    runs: Mapping[int, RunResult] = field(default_factory=dict)
    setting: str = ''


def columns_of(arm_results: Iterable[ArmResult]) -> list[Column]:
    """Return metrics and shares of the labels, in the order of the predictions."""
    results = (result for each in arm_results for result in each.runs.values())
    return list(dict.fromkeys(column for result in results for column in result.correct))


def common_seeds(*arm_results: ArmResult) -> list[int]:
    """Return the seeds that all of them were trained with."""
    return sorted(set.intersection(*(set(each.runs) for each in arm_results)))


def accuracies(arm: ArmResult, column: Column, seeds: Sequence[int]) -> np.ndarray:
    """Return the accuracy in [0, 1] for each seed, (S,), the mean over the draws of the labels."""
    return np.array([arm.runs[seed].correct[column].mean() for seed in seeds])


def seed_differences(arm: ArmResult, reference: ArmResult, column: Column) -> np.ndarray:
    """Return the differences in accuracy for each common seed, (S,)."""
    seeds = common_seeds(arm, reference)
    return accuracies(arm, column, seeds) - accuracies(reference, column, seeds)
