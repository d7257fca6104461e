"""The checks of a GPU machine, at toy size on the CPU, and how they report what fails."""

import importlib
import json
import multiprocessing
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch

from .commands import ROOT, call, tool

SKIPPED = {
    'GPUs',
    '20 steps in float16',
    'waits of a step',
    'two processes, NCCL',
    'memory of the ImageNet config',
    'memory by batch',
}
# Where pt_kmeans is missing, or SyncBN of the config runs on the CPU or does not.
MAYBE_SKIPPED = {'K-means labels', 'synchronised batch norm'}


@pytest.fixture
def gpu_check(monkeypatch) -> Iterator[ModuleType]:
    """The tool as a module; its checks run with one thread, beside other tests."""
    for folder in ('tools', 'tools/benchmarks'):
        monkeypatch.syspath_prepend(ROOT / folder)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield importlib.import_module('gpu_check')
    torch.set_num_threads(threads)


@pytest.fixture
def toy(gpu_check):
    return gpu_check.Place('cpu', toy=True)


def group(name: str) -> ModuleType:
    return importlib.import_module(f'gpu_checks.{name}')


@pytest.mark.slow
def test_each_check_passes_or_is_skipped_with_a_reason(gpu_check, toy, tmp_path, capsys):
    results = gpu_check.report(list(gpu_check.GROUPS), toy, gpu_check.run_group)
    lines = capsys.readouterr().out.splitlines()
    failed = [result for result in results if result.outcome == 'FAIL']
    assert not failed, failed
    skipped = {result.name: result.remedy for result in results if result.outcome == 'SKIP'}
    assert {*skipped} - MAYBE_SKIPPED == SKIPPED and all(skipped.values())
    assert all(result.figures for result in results if result.outcome == 'PASS')
    names = [name for each in gpu_check.GROUPS for name in gpu_check.checks_of(each)]
    assert [result.name for result in results] == names and len({*names}) == len(names)
    assert [line for line in lines if line[:2] != '--'] == [
        f'{result.line()} ({result.seconds:.0f} s)' for result in results
    ]
    assert lines[-1] == '-- resume done, about 0 min left'
    gpu_check.write(tmp_path / 'new' / 'found.json', toy, results)
    content = json.loads((tmp_path / 'new' / 'found.json').read_text())
    assert (content['device'], content['toy']) == ('cpu', True)
    for entry, result in zip(content['results'], results, strict=True):
        assert {*entry} == {'name', 'outcome', 'figures', 'remedy', 'seconds', 'details'}
        assert [*entry['figures']] == [*result.figures]


@pytest.mark.slow
def test_the_tool_runs_a_group(tmp_path):
    out = tmp_path / 'found.json'
    done = tool('gpu_check.py', '--device', 'cpu', '--toy', 'environment', '--out', out)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == '2 PASS, 0 FAIL, 1 SKIP'
    assert len(json.loads(out.read_text())['results']) == 3


def injected(gpu_check: ModuleType) -> dict:
    """Checks with each outcome."""
    results = group('results')

    def wrong(place):
        return results.Finding(False, dict(share=0.123456, by=[1, 2]), 'mend it')

    def broken(place):
        raise ValueError('first line\nsecond line')

    def without(place):
        raise ModuleNotFoundError("No module named 'some.package'", name='some.package')

    def right(place):
        return results.Finding(place.judge(True), dict(ratio=1.0), 'never said')

    def gpu(place):
        place.need_gpu('this')

    return dict(wrong=wrong, broken=broken, without=without, right=right, gpu=gpu)


def test_a_failure_is_reported_and_stops_no_other_check(gpu_check, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(gpu_check, 'checks_of', lambda name: injected(gpu_check))
    monkeypatch.setattr(gpu_check, 'run_apart', gpu_check.run_group)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    out = tmp_path / 'found.json'
    monkeypatch.setattr(sys, 'argv', ['gpu_check.py', '--toy', 'scale', '--out', str(out)])
    with pytest.raises(SystemExit) as stop:
        gpu_check.main()
    assert stop.value.code == 1
    assert capsys.readouterr().out.splitlines() == [
        'FAIL  wrong: share 0.1235; by 1, 2; mend it (0 s)',
        'FAIL  broken: error ValueError: first line; '
        'the traceback is in the JSON file (--out) (0 s)',
        'SKIP  without: some is not installed (0 s)',
        'PASS  right: ratio 1 (0 s)',
        'SKIP  gpu: this needs a GPU (0 s)',
        '-- scale done, about 0 min left',
        '1 PASS, 2 FAIL, 2 SKIP',
    ]
    wrong, broken, *_ = json.loads(out.read_text())['results']
    assert wrong['figures'] == dict(share=0.123456, by=[1, 2]) and wrong['remedy'] == 'mend it'
    assert 'second line' in broken['details']


def test_a_file_that_cannot_be_written_is_refused_first(gpu_check, monkeypatch, tmp_path):
    monkeypatch.setattr(gpu_check, 'report', None)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    (tmp_path / 'file').touch()
    out = tmp_path / 'file' / 'found.json'
    monkeypatch.setattr(sys, 'argv', ['gpu_check.py', '--toy', '--out', str(out)])
    with pytest.raises(SystemExit, match=f'error: --out {out} cannot be written'):
        gpu_check.main()


def test_a_group_without_its_package_is_skipped(gpu_check, toy, monkeypatch):
    monkeypatch.setitem(sys.modules, 'gpu_checks.scale', None)
    [result] = gpu_check.run_group('scale', toy)
    assert (result.name, result.outcome) == ('scale', 'SKIP') and 'not installed' in result.remedy


@pytest.mark.slow
def test_a_group_that_crashes_or_hangs_fails(gpu_check, toy, monkeypatch):
    results = gpu_check.run_apart('environment', toy)
    assert next(results).name == 'versions'
    [child] = multiprocessing.active_children()
    child.kill()
    last = list(results)[-1]
    assert (last.name, last.outcome) == ('the rest of environment', 'FAIL')
    assert 'code -9' in last.remedy
    monkeypatch.setattr(gpu_check, 'START', -1000)
    [hung] = gpu_check.run_apart('environment', toy)
    assert hung.outcome == 'FAIL' and 'hung' in hung.remedy
    assert not multiprocessing.active_children()


@pytest.mark.parametrize(
    ('arguments', 'sentence'),
    [
        (['swiftness', '--toy'], 'unknown swiftness: choose from environment, '),
        (['--device', 'cuda'], 'torch finds no GPU'),
        ([], 'there is no GPU here: add --toy'),
    ],
)
@pytest.mark.skipif(torch.cuda.is_available(), reason='these are messages of a CPU')
def test_arguments_that_cannot_work(arguments, sentence):
    done = call('gpu_check.py', *arguments)
    assert done.returncode != 0 and sentence in done.stderr


@pytest.mark.parametrize(
    ('names', 'generation', 'passes'),
    [(['A', 'A'], 9, True), (['A', 'B'], 9, False), (['A'], 7, False)],
)
def test_gpus_are_of_one_kind_with_bfloat16(gpu_check, monkeypatch, names, generation, passes):
    devices = [
        SimpleNamespace(name=name, total_memory=80 << 30, major=generation) for name in names
    ]
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: len(devices))
    monkeypatch.setattr(torch.cuda, 'get_device_properties', lambda number: devices[number])
    environment = group('environment')
    monkeypatch.setattr(environment, 'nccl_version', lambda: '2.27.3')
    monkeypatch.setattr(environment.dist, 'is_nccl_available', lambda: True)
    found = environment.gpus(gpu_check.Place('cuda', toy=True))
    assert found.passed == passes
    assert found.figures['GPUs'] == [f'{name} 80 GiB' for name in names]


def test_labels_that_differ_fail(gpu_check, toy):
    """By device or threads, or from one call to the next."""
    on_both = group('numerics').on_both
    by_threads = on_both(toy, lambda device: torch.arange(1000) % (9 - torch.get_num_threads()))
    assert by_threads.passed  # one thread on both sides here
    calls = iter(torch.arange(1000) + shift for shift in (0, 0, 1))
    changing = on_both(toy, lambda device: next(calls))
    assert not changing.passed and changing.figures['equal labels'] == 1
    calls = iter(torch.arange(1000) + shift for shift in (0, 1, 1))
    wrong = on_both(toy, lambda device: next(calls))
    assert not wrong.passed and wrong.figures['repeats']


def test_batch_norm_of_two_processes_is_compared_with_that_of_one(gpu_check, toy):
    processes = group('processes')
    whole, weights = processes.norm_input(toy)
    layer = torch.nn.BatchNorm2d(whole.shape[1])
    found = processes.normalized(layer, whole, weights)
    halves = [
        {
            'output': found['output'].chunk(2)[rank],
            'gradient': found['gradient'].chunk(2)[rank],
            'weight': found['weight'] / 2,
            'bias': found['bias'] / 2,
            'mean': found['mean'],
            'variance': found['variance'],
        }
        for rank in range(2)
    ]
    apart = [
        processes.normalized(torch.nn.BatchNorm2d(whole.shape[1]), *parts)
        for parts in zip(whole.chunk(2), weights.chunk(2), strict=True)
    ]
    equal, unequal = (
        processes.norm_deviation(
            toy, [{name: value.numpy() for name, value in rank.items()} for rank in ranks]
        )
        for ranks in (halves, apart)
    )
    assert max(equal.values()) < 1e-5
    assert all(unequal[name] > 1e-3 for name in ('output', 'gradient', 'mean', 'variance'))


def test_ranks_that_end_differently_fail(gpu_check, toy, monkeypatch):
    processes = group('processes')
    for second, passes in (([1.0, 2.0], True), ([1.0, 2.5], False)):
        sums = [[1.0, 2.0], second]
        monkeypatch.setattr(processes, 'on_ranks', lambda *_, sums=sums, **__: sums)
        assert processes.gloo(toy).passed == passes


def pretended_training(resume: ModuleType, shift: float, nondeterministic: bool):
    """In place of processes: runs write their end state, and a resumed one is off by ``shift``."""

    def in_processes(place, jobs):
        [(_, (work_dir, deterministic, kill))] = jobs
        if nondeterministic and deterministic:
            raise resume.ChildError('x does not have a deterministic implementation\nTraceback')
        if kill:
            raise resume.ChildError('a process ended with code -9')
        Path(work_dir).mkdir()
        value = torch.ones(4) + (shift if 'killed' in work_dir else 0)
        torch.save(dict(weight=value, same=torch.ones(2)), Path(work_dir, 'end.pth'))

    return in_processes


@pytest.mark.parametrize(
    ('shift', 'nondeterministic', 'passes'),
    [(0, False, True), (0.5, False, False), (0, True, False)],
)
def test_resume_that_differs_fails(gpu_check, toy, monkeypatch, shift, nondeterministic, passes):
    resume = group('resume')
    pretended = pretended_training(resume, shift, nondeterministic)
    monkeypatch.setattr(resume, 'in_processes', pretended)
    found = resume.resume(toy)
    assert found.passed == passes
    assert found.figures['unequal'] == (shift > 0) and found.figures['tensors'] == 2
    assert found.figures['off by'] == pytest.approx(shift / (1 + shift))
    assert ('deterministic algorithms' in found.figures) == nondeterministic


def test_a_run_that_was_not_killed_is_no_check(gpu_check, toy, monkeypatch):
    resume = group('resume')
    monkeypatch.setattr(resume, 'in_processes', lambda *_: [None])
    with pytest.raises(resume.ChildError, match='before it was killed'):
        resume.train_until_killed(toy, 'folder', True)


def test_waits_are_named_by_the_line_that_asked(gpu_check):
    precision = group('precision')

    def job() -> None:
        for _ in range(3):
            warnings.warn('called a synchronizing CUDA operation', stacklevel=1)
        warnings.warn('something else', stacklevel=1)

    places = precision.waiting_places(job)
    line = job.__code__.co_firstlineno + 2
    assert dict(places) == {f'{__name__}:{line}': 3}


def test_memory_is_measured_up_to_the_first_batch_that_does_not_fit(gpu_check):
    memory = group('memory')
    found = memory.peaks(lambda batch: batch / 8 if batch < 200 else None)
    assert found == {64: 8, 128: 16, 256: None}
    assert memory.largest(found) == 128 and memory.largest({64: None}) == 0


def test_a_job_out_of_memory_gives_none(gpu_check):
    def job() -> None:
        raise torch.cuda.OutOfMemoryError('CUDA out of memory')

    assert group('results').out_of_memory(job) is None
    assert group('results').out_of_memory(lambda: 3) == 3


def test_dbscan_is_extrapolated_from_the_largest_size(gpu_check):
    assert group('scale').expected_seconds({10: 5.0, 20: 3.0}, 60) == 27
