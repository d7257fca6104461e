"""No block of a page is passed over, and one that fails is named."""

import pytest

from .blocks import by_section, read_blocks, run, write_files
from .scratch import environment_of

PAGE = """# Page

```bash
greeting=hello
```

## Part

```python
# inner/module.py
## no heading
VALUE = 3
```

```bash
echo $greeting
```

```python
from inner.module import VALUE

print(VALUE + 1)
```
"""


def test_blocks_are_read_written_and_run(tmp_path):
    (tmp_path / 'page.md').write_text(PAGE)
    blocks = read_blocks('page.md', tmp_path)
    assert [(block.line, block.section, block.file) for block in blocks] == [
        (4, '', None),
        (10, 'Part', 'inner/module.py'),
        (16, 'Part', None),
        (20, 'Part', None),
    ]
    assert {title: len(part) for title, part in by_section(blocks).items()} == {'': 1, 'Part': 3}
    write_files(blocks, tmp_path)
    said = run(blocks, tmp_path, environment_of(tmp_path))
    assert [line for line in said.splitlines() if line[0] != '='] == ['hello', '4']


@pytest.mark.parametrize('code', ['false', 'echo $undefined', 'false | true'])
def test_a_block_that_fails_is_named(code, tmp_path):
    (tmp_path / 'page.md').write_text(f'{PAGE}\n```bash\n{code}\n```\n')
    blocks = [block for block in read_blocks('page.md', tmp_path) if block.language == 'bash']
    with pytest.raises(AssertionError, match='page.md:26 failed'):
        run(blocks, tmp_path, environment_of(tmp_path))


@pytest.mark.parametrize(
    'block',
    ['```text\nhello\n```', '  ```bash\n  ls\n  ```', '    ls', '~~~bash\nls\n~~~', '```bash'],
)
def test_a_block_that_would_not_run_is_refused(block, tmp_path):
    (tmp_path / 'page.md').write_text(f'# Page\n\n{block}\n')
    with pytest.raises(ValueError, match='page.md'):
        read_blocks('page.md', tmp_path)
