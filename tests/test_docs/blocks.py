"""The code blocks of a page, and running them as a reader would."""

import re
import subprocess
from collections.abc import Iterator, Mapping
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


def read_blocks(page: str) -> list[Block]:
    """The fenced blocks of a page of ``docs``.

    Raises:
        ValueError: for a block that no test would run: indented, or in another language.
    """
    blocks: list[Block] = []
    section, fence = '', None
    for number, line in enumerate((DOCS / page).read_text().splitlines(), 1):
        if line.startswith('```'):
            if fence is None:
                fence = Block(page, number + 1, section, line[3:].strip(), '')
                if fence.language not in ('bash', 'python'):
                    raise ValueError(f'{page}:{number}: {line} is neither bash nor python')
            else:
                blocks.append(fence)
                fence = None
        elif fence is not None:
            fence = fence._replace(code=f'{fence.code}{line}\n')
        elif line.startswith('## '):
            section = line[3:]
        elif line.startswith('    '):
            raise ValueError(f'{page}:{number}: an indented block does not run: fence it')
    return blocks


def by_section(blocks: list[Block]) -> dict[str, list[Block]]:
    """Blocks under each heading, in order."""
    sections: dict[str, list[Block]] = {}
    for block in blocks:
        sections.setdefault(block.section, []).append(block)
    return sections


def run(blocks: list[Block], folder: Path, environment: Mapping[str, str]) -> str:
    """Runs blocks in one shell, in order, and gives what they print.

    A Python block that names its file is written to it, another one is run. The commands share
    variables; the first that fails ends the run.

    Args:
        blocks: of one section.
        folder: where to run them.
        environment: of the shell.

    Raises:
        AssertionError: naming the block that fails, with the end of what it printed.
    """
    script = '\n'.join(['set -euo pipefail', *_steps(blocks)])
    done = subprocess.run(
        ['bash', '-c', script],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=500,
    )
    *_, last = done.stdout.split('=== ')
    assert done.returncode == 0, f'{last[:60].splitlines()[0]} failed:\n{last[-3000:]}'
    return done.stdout


def _steps(blocks: list[Block]) -> Iterator[str]:
    for block in blocks:
        yield f"echo '=== {block.page}:{block.line}'"
        if block.language == 'bash':
            yield block.code
            continue
        if block.file:
            yield f'mkdir -p {Path(block.file).parent}'
        command = f'cat > {block.file}' if block.file else 'python -'
        yield f"{command} <<'END_OF_BLOCK'\n{block.code}END_OF_BLOCK"
