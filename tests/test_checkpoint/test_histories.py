"""The message hub of mmengine is saved as data and resumed as it was."""

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

from mmrcl.checkpoint import hub_of, plain_hub

from .hostile import history


def test_plain_torch_load_reads_it_and_nothing_is_lost(tmp_path):
    hub = dict(
        log_scalars={'loss': history(0.1, 1 / 3), 'splits': history(1, 2), 'none': history()},
        runtime_info={'eta': np.float64(0.1), 'names': ['a'], 'classes': ('0',)},
        resumed_keys={'loss': True},
    )
    torch.save(plain_hub(hub), tmp_path / 'a.pth')
    found = hub_of(torch.load(tmp_path / 'a.pth', weights_only=True))
    assert found['runtime_info'] == hub['runtime_info']
    assert found['resumed_keys'] == hub['resumed_keys']
    for name, expected in hub['log_scalars'].items():
        assert isinstance(found['log_scalars'][name], HistoryBuffer)
        assert found['log_scalars'][name].max_length == expected.max_length
        for old, new in zip(expected.data, found['log_scalars'][name].data, strict=True):
            np.testing.assert_array_equal(old, new)
            assert old.dtype == new.dtype


def test_histories_stay_as_they_are():
    hub = dict(log_scalars={'loss': history(1.0)}, runtime_info={}, resumed_keys={})
    assert hub_of(hub) == hub
