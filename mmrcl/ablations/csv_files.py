"""Results of an ablation as CSV files, from which its tables can be made again."""

import csv
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from mmrcl.evaluation import Correct

from .comparison import ArmResult, RunResult

__all__ = ['read_results_csv', 'write_runs_csv', 'write_trainings_csv']


def write_runs_csv(path: Path, arm_results: Mapping[str, ArmResult]) -> Path:
    """Write ``arm,seed,metric,labels,accuracy``, one row for each score, and return the path."""
    with path.open('w', newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(['arm', 'seed', 'metric', 'labels', 'accuracy'])
        for name, arm in arm_results.items():
            for seed, result in sorted(arm.runs.items()):
                for (metric, labels), correct in result.correct.items():
                    writer.writerow([name, seed, metric, labels, f'{correct.mean():.6f}'])
    return path


def write_trainings_csv(path: Path, arm_results: Mapping[str, ArmResult]) -> Path:
    """Write ``arm,title,setting,seed,seconds,memory``, a row for each run, and return the path.

    Seconds of wall-clock time, memory in MB, empty if it was not logged.
    """
    with path.open('w', newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(['arm', 'title', 'setting', 'seed', 'seconds', 'memory'])
        for name, arm in arm_results.items():
            for seed, result in sorted(arm.runs.items()):
                memory = '' if math.isnan(result.memory) else f'{result.memory:.0f}'
                row = [name, arm.title, arm.setting, seed, f'{result.seconds:.0f}', memory]
                writer.writerow(row)
    return path


def read_results_csv(scores: Path, trainings: Path) -> dict[str, ArmResult]:
    """Read what :func:`write_runs_csv` and :func:`write_trainings_csv` have written.

    The accuracy of a run stands for its predictions, (1, 1), so that all but the tests over images
    can be computed again.
    """
    correct: dict[tuple[str, str], Correct] = {}
    for row in _rows(scores):
        run = correct.setdefault((row['arm'], row['seed']), {})
        run[row['metric'], int(row['labels'])] = np.array([[float(row['accuracy'])]])
    arm_results: dict[str, ArmResult] = {}
    for row in _rows(trainings):
        new = ArmResult(row['title'], setting=row['setting'])
        arm = arm_results.setdefault(row['arm'], new)
        memory = float(row['memory'] or math.nan)
        result = RunResult(correct[row['arm'], row['seed']], float(row['seconds']), {}, memory)
        arm_results[row['arm']] = replace(arm, runs={**arm.runs, int(row['seed']): result})
    return arm_results


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline='') as file:
        return list(csv.DictReader(file))
