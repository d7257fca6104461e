"""The command line, as a user would use it: training, scoring, and settings that cannot work."""

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from .commands import ROOT, call, tool
from .runs import CONFIG, TINY

SMALL = [f'{key}={value}' for key, value in TINY.items()] + ['train_cfg.max_epochs=3']
SMALL += [
    'test_cfg.train_dataloader.dataset.indices=192',
]


@pytest.fixture(scope='module')
def work_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp('trained')
    done = tool('train.py', CONFIG, '--work-dir', folder, '--cfg-options', *SMALL)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.mark.slow
def test_train_then_test(work_dir):
    table = work_dir / 'scores.csv'
    done = tool(
        *('test.py', CONFIG, work_dir / 'epoch_3.pth', '--work-dir', work_dir / 'test'),
        *('--out', table, '--cfg-options', *SMALL),
    )
    assert done.returncode == 0, done.stderr[-3000:]
    rows = list(csv.DictReader(table.open()))
    assert [(row['metric'], row['labels']) for row in rows] == [
        (metric, share) for metric in ('knn', 'linear') for share in ('1', '10', '100')
    ]
    assert all(0 < float(row['accuracy']) <= 1 for row in rows)
    assert 'linear 100 %' in done.stdout


@pytest.mark.slow
def test_a_checkpoint_names_the_commit_of_the_code(work_dir):
    head = subprocess.run(
        ['git', '-C', ROOT, 'rev-parse', 'HEAD'], capture_output=True, text=True, timeout=60
    ).stdout.strip()
    meta = torch.load(work_dir / 'epoch_3.pth', 'cpu', weights_only=False)['meta']
    assert meta['mmrcl_commit'].removesuffix('-dirty') == head


@pytest.mark.slow
def test_resume_from_the_latest_checkpoint(work_dir):
    options = [*SMALL, 'train_cfg.max_epochs=4']
    done = tool('train.py', CONFIG, '--work-dir', work_dir, '--resume', '--cfg-options', *options)
    assert done.returncode == 0, done.stderr[-3000:]
    assert 'resumed epoch: 3' in done.stdout + done.stderr
    assert (work_dir / 'epoch_4.pth').exists()


WRONG = {
    'missing config': (['no_such_config.py'], 'config file no_such_config.py does not exist'),
    'unknown section': (
        [CONFIG, '--cfg-options', 'modle.queue.length=64'],
        'modle is no part of the config; did you mean model?',
    ),
    'unknown top key': (
        [CONFIG, '--cfg-options', 'train_cgf=None'],
        'train_cgf is no part of the config; did you mean train_cfg?',
    ),
    'unknown argument': (
        [CONFIG, '--cfg-options', 'model.queue.lenght=64'],
        "unexpected keyword argument 'lenght'",
    ),
    'unknown type': (
        [CONFIG, '--cfg-options', 'model.queue.type=SupportQ'],
        'is not in the registry of models; did you mean SupportQueue?',
    ),
    'missing data': (
        [ROOT / 'configs/rcl/rcl_resnet50_8xb512-coslr-200e_in1k.py'],
        'data/imagenet/train is missing: download ILSVRC2012_img_train.tar',
    ),
    'missing checkpoint': (
        [CONFIG, '--resume', 'nowhere.pth'],
        'checkpoint nowhere.pth does not exist',
    ),
    'widths': (
        [CONFIG, '--cfg-options', 'model.queue.feat_dim=32'],
        'model.queue.feat_dim=32',
    ),
    'predictors': (
        [CONFIG, '--cfg-options', 'model.head.predictor.num_predictors=2'],
        'num_predictors=2 does not fit 3 criteria',
    ),
    'loss setting': (
        [CONFIG, '--cfg-options', 'model.head.loss.negative_pairs=drop'],
        "negative_pairs='drop' is unknown: use 'repel', 'graded' or 'ignore'",
    ),
    'neck': (
        [CONFIG, '--cfg-options', 'model.neck.in_channels=64'],
        'set model.neck.in_channels=128',
    ),
    'metric': (
        [CONFIG, '--cfg-options', 'default_hooks.clustering.source.eps=often'],
        "eps='often' is unknown",
    ),
    'warm-up': (
        [CONFIG, '--cfg-options', 'default_hooks.clustering.warmup_epochs=30'],
        'clustering would never start',
    ),
    'other images': (
        [CONFIG, '--cfg-options', 'train_dataloader.dataset.indices=500'],
        'set both to the same data set',
    ),
    'data of a hook': (
        [CONFIG, '--cfg-options', 'default_hooks.knn.train_dataloader.dataset.type=Digitz'],
        'is not in the registry of datasets; did you mean Digits?',
    ),
    'split': (
        [
            CONFIG,
            '--cfg-options',
            'train_dataloader.dataset.split=val',
            'default_hooks.clustering.dataloader.dataset.split=val',
        ],
        "Digits has no split 'val'",
    ),
}


def stops_with(sentence: str, run: Callable, arguments: list, work_dir: Path) -> None:
    done = run('train.py', *arguments, '--work-dir', work_dir)
    assert done.returncode != 0
    assert 'Traceback' not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert sentence in last
    assert not list(work_dir.rglob('*.pth'))


@pytest.mark.parametrize('case', WRONG)
def test_wrong_settings_stop_with_a_sentence(case, tmp_path):
    arguments, sentence = WRONG[case]
    stops_with(sentence, call, arguments, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize('case', ['missing config', 'neck'])
def test_a_process_of_its_own_says_the_same(case, tmp_path):
    """The first stops before anything is built, the second when all is."""
    arguments, sentence = WRONG[case]
    stops_with(sentence, tool, arguments, tmp_path)


@pytest.mark.slow
def test_a_checkpoint_of_another_network_is_refused(work_dir):
    done = call('test.py', CONFIG, work_dir / 'epoch_3.pth', '--work-dir', work_dir / 'wrong')
    assert done.returncode == 1
    assert 'does not hold the backbone of this config' in done.stderr


@pytest.mark.nightly
def test_throughput_of_our_steps_and_of_other_libraries(tmp_path):
    table = tmp_path / 'throughput.csv'
    small = dict(steps=2, batch=8, size=16, queue=64, images=600, threads=1, backbone='ResNet')
    options = [word for name, value in small.items() for word in (f'--{name}', value)]
    done = tool('benchmarks/throughput.py', *options, '--channels-last', '--out', table)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = {row['method']: row for row in csv.DictReader(table.open())}
    for name in ('RCL', 'instance discrimination', "NNCLR's positive", 'MoCo v3 (mmpretrain)'):
        assert (rows[name]['encodings with gradient'], rows[name]['without']) == ('2', '2')
        assert float(rows[name]['images/s']) > 0
        assert float(rows[name]['memory [MiB]']) > 0
    assert any('lightly' in name for name in rows) or 'pip install lightly' in done.stdout
    parts = [row['part'] for row in csv.DictReader((tmp_path / 'throughput_parts.csv').open())]
    assert {'encode queries', 'backward', 'loss', 'bank and refinement', 'rest'} <= set(parts)


@pytest.mark.nightly
@pytest.mark.parametrize('backbone', ['ResNet', 'ResNet_CIFAR'])
def test_throughput_with_the_input_of_each_library(backbone, tmp_path):
    table = tmp_path / 'throughput.csv'
    small = dict(steps=2, batch=8, size=16, queue=64, images=600, threads=1, backbone=backbone)
    options = [word for name, value in small.items() for word in (f'--{name}', value)]
    done = tool('benchmarks/throughput.py', *options, '--input', '--out', table)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = {row['method']: row for row in csv.DictReader(table.open())}
    assert {'RCL', 'instance discrimination', 'MoCo v3 (mmpretrain)'} <= set(rows)
    for row in rows.values():
        times = [float(row[name].split()[0]) for name in ('input [ms]', 'step [ms]')]
        assert min(times) > 0
        # Rates are of both; each number is a median of its own.
        assert float(row['images/s']) == pytest.approx(8e3 / sum(times), rel=0.3)


SCRIPTS = ['dist_train.sh', 'dist_test.sh', 'slurm_train.sh']
SCRIPTS += [f'benchmarks/{name}.sh' for name in ('train', 'dist_train', 'slurm_train')]


@pytest.mark.parametrize('name', SCRIPTS)
def test_scripts_say_how_to_use_them(name):
    done = subprocess.run(
        ['bash', ROOT / 'tools' / name], capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0
    assert 'usage:' in done.stderr


@pytest.mark.parametrize(
    ('arguments', 'commands'),
    [
        (['train.sh', 'c.py', 'a.pth'], ['python', 'train.py c.py --pretrained a.pth --amp']),
        (
            ['dist_train.sh', 'c.py', 'a.pth', '2'],
            ['--nproc_per_node=2', 'train.py c.py --launcher pytorch --pretrained a.pth --amp'],
        ),
        (
            ['slurm_train.sh', 'gpus', 'job', 'c.py', 'a.pth', 'out'],
            ['srun --partition=gpus --job-name=job', '--work-dir out', '--pretrained a.pth --amp'],
        ),
    ],
)
def test_benchmark_scripts_start_from_the_checkpoint(tmp_path, arguments, commands):
    for name in ('python', 'srun'):
        stand_in = tmp_path / name
        stand_in.write_text('#!/bin/sh\necho "$(basename "$0") $*"\n')
        stand_in.chmod(0o755)
    script, *rest = arguments
    done = subprocess.run(
        ['bash', ROOT / 'tools/benchmarks' / script, *rest, '--amp'],
        env={**os.environ, 'PATH': f'{tmp_path}:{os.environ["PATH"]}'},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert all(command in done.stdout for command in commands)


@pytest.mark.slow
def test_monitoring_draws_a_run(work_dir, tmp_path):
    done = call('analysis/monitoring.py', work_dir, '--out', tmp_path / 'figure.png')
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split() == [str(tmp_path / 'figure.png')]
    assert (tmp_path / 'figure.png').stat().st_size > 10_000
    done = call('analysis/monitoring.py', tmp_path)
    assert done.returncode == 1 and done.stderr.startswith('error: no vis_data/scalars.json')


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info < (3, 11), reason='pt_kmeans needs Python 3.11 or newer')
def test_nesting_of_independent_levels_is_measured(work_dir):
    """With one radius for all levels everything conforms; K-means apart does not."""
    [config] = work_dir.glob('*.py')
    done = call(
        'analysis/nesting_conformity.py', config, work_dir / 'epoch_3.pth', '--sklearn',
        '--eps', '0.3', '0.3', '--num-clusters', '60', '20',
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = {line[:36].strip(): line[36:].split()[0] for line in done.stdout.splitlines()[-5:]}
    assert found.pop('K-means') != '100.00%'
    assert len(found) == 4 and set(found.values()) == {'100.00%'}


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info < (3, 11), reason='pt_kmeans needs Python 3.11 or newer')
def test_settings_of_the_clustering_are_compared(work_dir, tmp_path):
    [trained] = work_dir.glob('*.py')
    config = tmp_path / 'hog.py'
    hook = dict(clustering=dict(space=dict(type='HOGFeatures', pixels_per_cell=4)))
    config.write_text(f'_base_ = {str(trained.resolve())!r}\ndefault_hooks = {hook}\n')
    table = tmp_path / 'settings.csv'
    done = call('analysis/clustering_settings.py', config, work_dir / 'epoch_3.pth', '--out', table)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.startswith('Of the nearest keys ')
    rows = [line.split(' | ') for line in done.stdout.splitlines()[4:]]
    last = {(space.strip('| '), source): row for space, source, *row in rows[::2]}
    for space in ('projection', 'encoder', 'maps', 'HOGFeatures'):
        sizes, _, level, clusters, *_, precision = last[space, 'K-means']
        assert (sizes, level, clusters) == ('(15, 50)', '2', str(round(192 / 15)))
        assert 0 < float(precision.strip('| ')) <= 1
        sizes, _, level, clusters, *_ = last[space, 'first neighbours']
        assert (sizes, level, clusters) == ('(15, 50)', '2', str(round(192 / 15)))
    assert len(rows) == 2 * 45
    with table.open() as file:
        written = list(csv.reader(file))[1:]
    assert written == [[cell.strip('| ') for cell in row] for row in rows]
