"""The code blocks of a page, and running them as a reader would."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).parents[2] / 'docs'


class Block(NamedTuple):
    """A fenced block of code.

    Attributes:
        page: name of the page's file.
        line: of its first line of code, from 1.
        section: heading of level 2 that it stands under.
        language: what the fence says.
        code: its lines.
    """

    page: str
    line: int
    section: str
    language: str
    code: str

    @property
    def file(self) -> str | None:
        """The file that a Python block is, named in its first line by a comment, or None."""
        found = re.match(r'# (\S+\.py)\n', self.code)
        return found[1] if found and self.language == 'python' else None


def read_blocks(page: str, docs: Path = DOCS) -> list[Block]:
    """The fenced blocks of a page of ``docs``.

    Raises:
        ValueError: for a block that no test would run: indented, without an end, or in another
            language.
    """
    blocks: list[Block] = []
    section, fence = '', None
    for number, line in enumerate((docs / page).read_text().splitlines(), 1):
        if fence is not None:
            if line == '```':
                blocks.append(fence)
                fence = None
            else:
                fence = fence._replace(code=f'{fence.code}{line}\n')
        elif line in ('```bash', '```python'):
            fence = Block(page, number + 1, section, line[3:], '')
        elif line.lstrip().startswith(('```', '~~~')) or line.startswith('    '):
            raise ValueError(f'{page}:{number}: {line!r} begins no block of bash or python')
        elif line.startswith('## '):
            section = line[3:]
    if fence is not None:
        raise ValueError(f'{page}:{fence.line}: this block has no end')
    return blocks


def by_section(blocks: list[Block]) -> dict[str, list[Block]]:
    """Blocks under each heading, in order."""
    sections: dict[str, list[Block]] = {}
    for block in blocks:
        sections.setdefault(block.section, []).append(block)
    return sections


def write_files(blocks: list[Block], folder: Path) -> None:
    """Writes the Python blocks that are files."""
    for block in blocks:
        if block.file:
            path = folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.code)


def run(blocks: list[Block], folder: Path, environment: Mapping[str, str]) -> str:
    """Runs the blocks that are no files in one shell, in order, and gives what they print.

    They share variables; the first that fails ends the run.

    Args:
        blocks: of one section.
        folder: where to run them.
        environment: of the shell.

    Raises:
        AssertionError: naming the block that fails, with the end of what it printed.
    """
    script = '\n'.join(['set -euo pipefail', *map(_step, blocks)])
    done = subprocess.run(
        ['bash', '-c', script],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=500,
    )
    place, _, said = done.stdout.rpartition('=== ')[2].partition('\n')
    assert done.returncode == 0, f'{place} failed:\n{said[-3000:]}'
    return done.stdout


def _step(block: Block) -> str:
    start = f"echo '=== {block.page}:{block.line}'"
    if block.file:
        return start
    if block.language == 'bash':
        return f'{start}\n{block.code}'
    return f"{start}\npython - <<'END_OF_BLOCK'\n{block.code}END_OF_BLOCK"
