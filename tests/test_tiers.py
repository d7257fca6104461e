"""The helpers that train or start a tool refuse to in a test that is not marked."""

import pytest

from .commands import tool
from .test_engine.children import run_ranks
from .tiers import check_slow


@pytest.mark.parametrize(
    'helper', [lambda: check_slow('trains'), lambda: tool('train.py'), lambda: run_ranks(print)]
)
def test_an_unmarked_test_fails(helper):
    with pytest.raises(pytest.fail.Exception, match='mark it slow'):
        helper()


@pytest.mark.slow
def test_a_slow_test_may():
    check_slow('trains')


@pytest.mark.nightly
def test_a_nightly_test_may():
    check_slow('trains')
