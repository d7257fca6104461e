"""No function runs code of a checkpoint: neither of its pickle nor of the config in it."""

import copy
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

import mmrcl
from mmrcl.apis import config_of

from ..commands import call
from ..runs import CONFIG, tiny_config
from ..test_checkpoint.hostile import hostile_config, write_hostile
from .folders import write_checkpoint

ROOT = Path(__file__).parents[2]
CONFIGS = [*ROOT.glob('configs/rcl/*.py'), *ROOT.glob('configs/baselines/*.py')]
STATE = {'backbone.a.weight': torch.ones(1)}


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_accepts_every_config_of_a_pretraining(path):
    config = Config.fromfile(path)
    assert config_of(dict(cfg=config.pretty_text), 'a.pth').model == config.model


@pytest.mark.parametrize(
    'part',
    [
        dict(type='os.system', command='touch mark'),
        dict(type='subprocess.getoutput', cmd='touch mark'),
        dict(type='antigravity'),
        dict(type='mmrcl.load_encoder', checkpoint='b.pth', trust=True),
        dict(type='TIMMBackbone', model_name='resnet18', checkpoint_path='b.pth'),
        dict(type='CLIPGenerator', tokenizer_path='b.pth'),
        dict(type='ResNet', _scope_='os'),
        dict(type=None),
        dict(type='ResNet', depth=18, norm_cfg=dict(type='os.system', command='touch mark')),
    ],
    ids=lambda part: str(part)[:50],
)
@pytest.mark.parametrize(
    'place', ['backbone', 'data_preprocessor', 'pipeline', 'of the hook', 'of the model']
)
def test_refuses_names_that_could_run_code(part, place):
    config = Config.fromfile(CONFIG)
    if place == 'backbone':
        config.model.backbone = part
    elif place == 'data_preprocessor':
        config.data_preprocessor = part
    elif place == 'of the hook':
        # Read where test_dataloader is of other images, or there is none.
        config.default_hooks.clustering.dataloader.dataset.pipeline.append(part)
    elif place == 'of the model':
        config.model.data_preprocessor = part
    else:
        config.test_dataloader.dataset.pipeline.append(part)
    with pytest.raises(ValueError, match='which could run code: pass the config by --config'):
        config_of(dict(cfg=config.pretty_text), 'a.pth')
    config_of(dict(cfg=config.pretty_text), 'a.pth', trust=True)


def test_refuses_transforms_that_evaluate_text():
    """mmpretrain evaluates the dtype of this transform of torchvision."""
    config = Config.fromfile(CONFIG)
    step = dict(type='torchvision/ConvertImageDtype', dtype='float')
    config.test_dataloader.dataset.pipeline.append(step)
    with pytest.raises(ValueError, match='torchvision/ConvertImageDtype'):
        config_of(dict(cfg=config.pretty_text), 'a.pth')


def test_refuses_other_scopes():
    config = Config.fromfile(CONFIG)
    config.default_scope = 'os'
    with pytest.raises(ValueError, match='names os, which'):
        config_of(dict(cfg=config.pretty_text), 'a.pth')


def readers(checkpoint: str):
    """Each way in that reads a checkpoint in this process."""
    config = str(CONFIG)
    return dict(
        load_encoder=lambda: mmrcl.load_encoder(checkpoint),
        get_model=lambda: mmrcl.get_model(config, checkpoint),
    )


@pytest.mark.parametrize('reader', readers(''))
def test_functions_run_no_code_of_a_pickle(reader, tmp_path):
    checkpoint = write_hostile(tmp_path / 'a.pth', tmp_path / 'mark', state_dict=STATE)
    with pytest.raises(ValueError, match=r'holds \w+\.system.*trust=True'):
        readers(checkpoint)[reader]()
    assert not (tmp_path / 'mark').exists()


def test_load_encoder_runs_no_code_of_the_config(tmp_path):
    path = tmp_path / 'a.pth'
    imported = dict(backbone=dict(type='os.system', command=f'touch {tmp_path / "mark"}'))
    for text in (hostile_config(tmp_path / 'mark'), Config(dict(model=imported)).pretty_text):
        torch.save(dict(state_dict=STATE, meta=dict(cfg=text)), path)
        with pytest.raises(ValueError, match='the config in the checkpoint'):
            mmrcl.load_encoder(path)
    assert not (tmp_path / 'mark').exists()


def test_trust_reads_everything(tmp_path):
    config = tiny_config(tmp_path)
    write_checkpoint(tmp_path / 'a.pth', config)
    content = torch.load(tmp_path / 'a.pth')
    write_hostile(tmp_path / 'b.pth', tmp_path / 'mark', **copy.copy(content))
    mmrcl.load_encoder(tmp_path / 'b.pth', trust=True)
    assert (tmp_path / 'mark').exists()


@pytest.mark.parametrize(
    'tool',
    [
        ('convert/backbone.py', 'CHECKPOINT'),
        ('analysis/nesting_conformity.py', CONFIG, 'CHECKPOINT'),
        ('analysis/clustering_settings.py', CONFIG, 'CHECKPOINT'),
        ('analysis/hierarchy_report.py', CONFIG, 'CHECKPOINT'),
        ('test.py', CONFIG, 'CHECKPOINT'),
    ],
    ids=lambda tool: tool[0],
)
def test_tools_run_no_code(tool, tmp_path):
    checkpoint = write_hostile(tmp_path / 'a.pth', tmp_path / 'mark', state_dict=STATE)
    done = call(*(checkpoint if part == 'CHECKPOINT' else part for part in tool))
    assert done.returncode == 1
    assert '.system, which can run code' in done.stderr and '--trust-checkpoint' in done.stderr
    assert 'Traceback' not in done.stderr
    assert not (tmp_path / 'mark').exists()
