"""The blocks of docs/curation.md, run one after another in one folder."""

import shlex
from pathlib import Path

import pytest

from mmrcl.commands import duplicates, outliers, subset

from ..test_commands.test_features_in import call
from .blocks import Block, read_blocks

COMMANDS = dict(duplicates=duplicates, outliers=outliers, subset=subset)


def run_python(blocks: list[Block]) -> None:
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block.code, f'{block.page}:{block.line}', 'exec'), names)


def test_every_block_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    blocks = read_blocks('curation.md')
    run_python([block for block in blocks if block.language == 'python'])
    for block in blocks:
        for line in block.code.splitlines() if block.language == 'bash' else ():
            name, *arguments = shlex.split(line.removeprefix('mmrcl '))
            call(COMMANDS[name], *arguments)
    assert len(list(Path('subset').rglob('*.png'))) == 50
    assert len(list(Path('small/links').rglob('*.png'))) == 50
    assert len(list(Path('unusual/links').iterdir())) == 20
    assert Path('duplicates.csv').read_text() == Path('cleaned/duplicates.csv').read_text()
