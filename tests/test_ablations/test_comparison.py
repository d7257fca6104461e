import numpy as np
import pytest
import torch

from mmrcl.ablations.comparison import ArmResult, RunResult, seed_differences
from mmrcl.ablations.csv_files import read_results_csv, write_runs_csv, write_trainings_csv
from mmrcl.ablations.tables import format_accuracies, format_comparison
from mmrcl.evaluation import read_correct, write_predictions
from mmrcl.evaluation.representation import Prediction

COLUMN = ('knn', 100)


def result(right: int, seconds: float = 10, **measures: float) -> RunResult:
    """The first ``right`` of 100 images are classified rightly."""
    return RunResult({COLUMN: np.arange(100)[None] < right}, seconds, measures)


@pytest.fixture
def arms() -> list[ArmResult]:
    return [
        ArmResult(
            'instance discrimination', 'instance discrimination', {0: result(70), 1: result(72)}
        ),
        ArmResult(
            'RCL',
            'instance discrimination',
            {0: result(73, 20, hit=0.5), 2: result(99), 1: result(77)},
        ),
        ArmResult('classes', 'instance discrimination', {0: result(80), 1: result(82)}),
        ArmResult('later', 'instance discrimination'),
    ]


def test_differences_are_of_common_seeds(arms):
    assert seed_differences(arms[1], arms[0], COLUMN) == pytest.approx([0.03, 0.05])


def test_tables(arms):
    lines = format_comparison(arms, ['hit'], (arms[0], arms[2])).splitlines()
    assert lines[2:9] == [
        '| arm | seeds | kNN 100 % | training [s] | hit |',
        '| --- | ---: | ---: | ---: | ---: |',
        '| instance discrimination | 2 | 71.00 ± 1.41 | 10 | - |',
        '| RCL | 3 | 83.00 ± 14.00 | 13 | 0.500 |',
        '| classes | 2 | 81.00 ± 1.41 | 10 | - |',
        '| later | 0 | - | - | - |',
        '',
    ]
    assert '| RCL | 2 | +4.00 ± 1.00 (p = 0.011) |' in lines
    assert lines.count('| later | 0 | - |') == 2
    assert '| RCL | 2 | 0.40 ± 0.10 |' in lines
    assert sum(line.startswith('| instance discrimination') for line in lines) == 1


def test_one_seed_has_no_deviation(arms):
    alone = [ArmResult('instance discrimination', None, {0: result(70)})]
    assert '| instance discrimination | 1 | 70.00 | 10 |' in format_comparison(alone)


def test_csv_has_a_row_for_each_score(tmp_path, arms):
    path = write_runs_csv(tmp_path / 'results.csv', dict(rcl=arms[1], later=arms[3]))
    assert path.read_text().splitlines() == [
        'arm,seed,metric,labels,accuracy',
        'rcl,0,knn,100,0.730000',
        'rcl,1,knn,100,0.770000',
        'rcl,2,knn,100,0.990000',
    ]


def searched() -> dict[str, ArmResult]:
    first = RunResult({COLUMN: np.arange(100)[None] < 73}, 10, {}, memory=600)
    second = RunResult({COLUMN: np.arange(100)[None] < 76}, 30, {}, memory=801.0)
    return dict(
        own=ArmResult('own, that is', None, {1: second, 0: first}, 'lr-1'),
        other=ArmResult('other', None, {0: result(80)}),
    )


def test_setting_seconds_and_memory_are_in_the_table():
    lines = format_accuracies(list(searched().values())).splitlines()
    assert lines[2] == '| arm | seeds | kNN 100 % | training [s] | memory [MB] | setting |'
    assert lines[4:] == [
        '| own, that is | 2 | 74.50 ± 2.12 | 20 | 700 | lr-1 |',
        '| other | 1 | 80.00 | 10 | - | - |',
    ]


def test_tables_can_be_made_again_from_the_files(tmp_path):
    scores = write_runs_csv(tmp_path / 'results.csv', searched())
    trainings = write_trainings_csv(tmp_path / 'trainings.csv', searched())
    assert trainings.read_text().splitlines() == [
        'arm,title,setting,seed,seconds,memory',
        'own,"own, that is",lr-1,0,10,600',
        'own,"own, that is",lr-1,1,30,801',
        'other,other,,0,10,',
    ]
    found = read_results_csv(scores, trainings)
    assert list(found) == ['own', 'other']
    tables = [format_accuracies(list(each.values())) for each in (found, searched())]
    assert tables[0] == tables[1]


def test_predictions_come_back_by_metric_share_and_draw(tmp_path):
    classes = torch.tensor([3, 1, 2])
    predictions = [
        Prediction('knn', 1, 0, torch.tensor([3, 0, 0])),
        Prediction('knn', 1, 1, torch.tensor([3, 1, 0])),
        Prediction('knn', 100, 0, torch.tensor([0, 0, 2])),
        Prediction('linear', 100, 0, torch.tensor([0, 1, 2])),
    ]
    path = write_predictions(tmp_path / 'new/predictions.npz', predictions, classes)
    assert [file.name for file in path.parent.iterdir()] == ['predictions.npz']
    correct = read_correct(path)
    assert list(correct) == [('knn', 1), ('knn', 100), ('linear', 100)]
    assert correct['knn', 1].tolist() == [[True, False, False], [True, True, False]]
    assert correct['linear', 100].tolist() == [[False, True, True]]
