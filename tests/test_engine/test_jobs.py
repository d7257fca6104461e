import sys
import time

import pytest

from mmrcl.engine.errors import TrainingError
from mmrcl.engine.jobs import Job, run_jobs, scalars_of

LOGS = """
import json, pathlib, sys, time
path = pathlib.Path(sys.argv[1], 'run/vis_data/scalars.json')
path.parent.mkdir(parents=True)
path.write_text(json.dumps(dict(epoch=1, loss=2.0)) + chr(10))
time.sleep(1)
"""


def job(tmp_path, name: str, code: str, *arguments: str) -> Job:
    return Job(name, [sys.executable, '-c', code, *arguments], tmp_path / name, epochs=2)


def test_runs_all_and_keeps_their_words(tmp_path):
    jobs = [job(tmp_path, f'job {i}', f'print("I am {i}")') for i in range(5)]
    run_jobs(jobs)
    said = [(each.folder / 'console.log').read_text() for each in jobs]
    assert said == [f'I am {i}\n' for i in range(5)]


def test_tells_epoch_loss_and_time_left(tmp_path, capsys):
    folder = tmp_path / 'logs'
    run_jobs([job(tmp_path, 'logs', LOGS, str(folder))], interval=0.1)
    shown = capsys.readouterr().out
    assert 'logs epoch 1 loss 2.00' in shown
    assert ' s left' in shown
    assert scalars_of(folder) == folder / 'run/vis_data/scalars.json'


def test_one_that_fails_ends_the_others(tmp_path):
    fails = job(tmp_path, 'broken', 'raise ValueError("no such thing")')
    code = 'import sys, time; time.sleep(4); open(sys.argv[1], "w")'
    goes_on = job(tmp_path, 'going on', code, str(tmp_path / 'went on'))
    with pytest.raises(TrainingError, match=r'broken failed, see .*console\.log: ValueError: no'):
        run_jobs([goes_on, fails])
    time.sleep(5)
    assert not (tmp_path / 'went on').exists()
