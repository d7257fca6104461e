import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from .test_training import assert_same

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def ranks(tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('two')
    command = [
        *(sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node=2'),
        *(str(Path(__file__).with_name('distributed_run.py')), str(work_dir)),
    ]
    environment = {**os.environ, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [torch.load(work_dir / f'rank_{rank}.pth', weights_only=False) for rank in (0, 1)]


@pytest.mark.slow
def test_two_processes_hold_the_same_state(ranks):
    first, second = ranks
    assert first['iters'] == second['iters'] == 30
    assert_same(*({key: value for key, value in rank.items() if key != 'iters'} for rank in ranks))


@pytest.mark.slow
def test_every_rank_saw_the_keys_of_both(ranks):
    hierarchy, queue = ranks[0]['hierarchy'], ranks[0]['queue']
    assert hierarchy['initialized']
    assert len(hierarchy['labels'][1].unique()) < 192
    # 96 entries are the last three steps of 2 x 16: images of one epoch, none twice.
    assert len(queue['indices'].unique()) == 96
