"""Models of the zoo by name."""

import pytest
import torch
from mmengine.registry import DefaultScope

import mmrcl
from mmrcl.registry import MODELS

from ..runs import CONFIG

DIGITS = CONFIG.stem


def test_lists_names_by_pattern():
    names = mmrcl.list_models()
    assert names == sorted(set(names)) and DIGITS in names
    chosen = mmrcl.list_models('rcl_*_in1k')
    assert chosen and all(name.startswith('rcl_') and name.endswith('_in1k') for name in chosen)
    assert set(chosen) < set(names)


def test_gives_the_config_of_a_name_and_of_a_path():
    assert mmrcl.get_config(DIGITS).model == mmrcl.get_config(CONFIG).model
    with pytest.raises(ValueError, match=r"no 'resnet': see mmrcl\.list_models"):
        mmrcl.get_config('resnet')


def test_builds_a_model_with_other_settings():
    model = mmrcl.get_model(DIGITS, queue=dict(length=128))
    assert type(model).__name__ == 'RCL' and not model.training
    assert model.queue.length == 128
    assert model.data_preprocessor.mean.flatten().tolist() == [78.0]


def test_fills_all_of_a_model_or_refuses(tmp_path):
    config = mmrcl.get_config(DIGITS)
    with DefaultScope.overwrite_default_scope('mmrcl'):
        trained = MODELS.build(dict(config.model, data_preprocessor=config.data_preprocessor))
    state = trained.state_dict()
    torch.save(dict(state_dict=state), tmp_path / 'whole.pth')
    found = mmrcl.get_model(config, str(tmp_path / 'whole.pth')).state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in state.items())
    state.popitem()
    torch.save(dict(state_dict=state), tmp_path / 'part.pth')
    with pytest.raises(ValueError, match=r'part\.pth does not fit the model.*Missing key'):
        mmrcl.get_model(DIGITS, str(tmp_path / 'part.pth'))
    with pytest.raises(ValueError, match='does not fit the model'):
        mmrcl.get_model(DIGITS, str(tmp_path / 'whole.pth'), backbone=dict(base_channels=8))
