"""The blocks of docs/library.md, run one after another as in a notebook."""

from pathlib import Path

import pytest
import torch

import mmrcl

from ..runs import tiny_config
from ..test_apis.folders import write_checkpoint, write_digits
from .blocks import read_blocks


@pytest.mark.slow
def test_every_block_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_digits(tmp_path / 'photos/train', 'train', 60)
    write_digits(tmp_path / 'photos/val', 'test', 40)
    checkpoint = tmp_path / 'work_dirs/rcl/epoch_30.pth'
    checkpoint.parent.mkdir(parents=True)
    write_checkpoint(checkpoint, tiny_config(tmp_path))
    monkeypatch.chdir(tmp_path)
    blocks = read_blocks('library.md')
    assert {block.language for block in blocks} == {'python'}
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block.code, f'{block.page}:{block.line}', 'exec'), names)
    assert (tmp_path / 'hierarchy.html').is_file()
    assert names['hierarchy'].labels_of(torch.arange(8)).shape == (3, 8)


def test_the_table_lists_every_function():
    page = (Path(__file__).parents[2] / 'docs/library.md').read_text()
    functions = set(mmrcl.__all__) - {'Encoder', 'Features', '__version__'}
    assert all(f'`{name}`' in page for name in functions)
