"""Tables as text."""

from collections.abc import Sequence

__all__ = ['format_table']


def format_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay cells out in columns: the first flush left, the others flush right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [_format_line(row, widths) for row in (header, *rows)]
    return '\n'.join([lines[0], '-' * len(lines[0]), *lines[1:]])


def _format_line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
    return '  '.join([row[0].ljust(widths[0]), *cells[1:]])
