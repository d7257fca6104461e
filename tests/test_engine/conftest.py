"""What several tests of the engine share."""

import logging

import pytest
from mmengine.logging import MMLogger


@pytest.fixture
def said():
    """Warnings and errors of the current logger."""
    lines = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: lines.append(record.getMessage())
    logger = MMLogger.get_current_instance()
    # A tool that ran in this process may have silenced it.
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)
    logger.setLevel(level)
