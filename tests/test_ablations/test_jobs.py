import fcntl
import re
import subprocess
import sys
import time

import pytest

from mmrcl.ablations.jobs import Job, run_jobs, scalars_of
from mmrcl.errors import TrainingError

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


def test_later_jobs_count_in_the_time_left(tmp_path, capsys):
    lines = {}
    for later in (0, 9):
        folder = tmp_path / f'logs {later}'
        run_jobs([job(tmp_path, folder.name, LOGS, str(folder))], interval=0.7, later=later)
        shown = capsys.readouterr().out
        # Half of the first job is done, in about a second.
        lines[later] = [float(left) for left in re.findall(r'about (\d+) s left', shown)]
    assert max(lines[0]) < 8 < min(lines[9])


@pytest.mark.slow
def test_one_that_fails_ends_the_others(tmp_path):
    fails = job(tmp_path, 'broken', 'raise ValueError("no such thing")')
    code = 'import sys, time; time.sleep(4); open(sys.argv[1], "w")'
    goes_on = job(tmp_path, 'going on', code, str(tmp_path / 'went on'))
    with pytest.raises(TrainingError, match=r'broken failed, see .*console\.log: ValueError: no'):
        run_jobs([goes_on, fails])
    time.sleep(5)
    assert not (tmp_path / 'went on').exists()


def test_with_keep_going_the_others_finish_and_each_failure_is_named(tmp_path):
    jobs = [job(tmp_path, f'broken {i}', f'raise ValueError("no {i}")') for i in range(2)]
    jobs.insert(1, job(tmp_path, 'going on', 'import time; time.sleep(1); print("done")'))
    with pytest.raises(TrainingError) as error:
        run_jobs(jobs, processes=3, keep_going=True)
    assert sorted(line.split(',')[0] for line in str(error.value).splitlines()) == [
        'broken 0 failed',
        'broken 1 failed',
    ]
    assert (tmp_path / 'going on/console.log').read_text() == 'done\n'


def test_no_more_run_at_once_than_processes_with_a_thread_each(tmp_path):
    code = """
import os, pathlib, sys, time
mine = pathlib.Path(sys.argv[1], str(os.getpid()))
mine.touch()
print(os.environ['OMP_NUM_THREADS'], len(list(mine.parent.iterdir())))
time.sleep(0.3)
mine.unlink()
"""
    alive = tmp_path / 'alive'
    alive.mkdir()
    jobs = [job(tmp_path, f'job {i}', code, str(alive)) for i in range(3)]
    run_jobs(jobs, processes=1)
    assert {(each.folder / 'console.log').read_text() for each in jobs} == {'1 1\n'}


def test_the_second_command_follows_success_alone(tmp_path):
    then = [sys.executable, '-c', 'print("second")']
    good, bad = (
        job(tmp_path, name, code)._replace(then=then)
        for name, code in (('good', 'print("first")'), ('bad', 'raise SystemExit("first")'))
    )
    with pytest.raises(TrainingError, match='bad failed'):
        run_jobs([good, bad], keep_going=True)
    assert (good.folder / 'console.log').read_text() == 'first\nsecond\n'
    assert (bad.folder / 'console.log').read_text() == 'first\n'


def test_a_folder_in_which_a_process_works_is_left_alone(tmp_path):
    free, taken = (job(tmp_path, name, 'print("new")') for name in ('free', 'taken'))
    taken.folder.mkdir()
    with (taken.folder / 'console.log').open('w') as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        orphan = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=-1, stdout=log)
    with pytest.raises(TrainingError, match='taken: another process uses'):
        run_jobs([taken, free], keep_going=True)
    orphan.communicate(b'end')
    assert (free.folder / 'console.log').read_text() == 'new\n'
    run_jobs([taken])
    assert (taken.folder / 'console.log').read_text() == 'new\n'
