"""Tests that train or start a tool are marked, so that the others are quick."""

import pytest

running: pytest.Item | None = None


def check_slow(what: str) -> None:
    """Fails the running test unless it is marked slow or nightly.

    In a process that a test started there is no running test, and nothing to check.
    """
    marked = (
        running is None or any(running.iter_markers('slow')) or any(running.iter_markers('nightly'))
    )
    if not marked:
        pytest.fail(f'this test {what}: mark it slow, or `make test-fast` is not fast')
