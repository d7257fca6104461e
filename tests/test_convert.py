"""tools/convert: from a pretraining checkpoint to files that other libraries load strictly."""

import hashlib
import json
import pickle
from pathlib import Path

import pytest
import timm
import torch
import torchvision
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

from .commands import call, tool
from .test_apis.folders import write_checkpoint
from .test_checkpoint.test_formats import names_in_detectron2

CONFIG = 'configs/rcl/rcl_resnet50_8xb512-coslr-200e_in1k.py'
FORMATS = ('mmpretrain', 'mmdet', 'torchvision', 'timm', 'detectron2')


@pytest.fixture(scope='module')
def pretraining(tmp_path_factory):
    """A ResNet-50 with random statistics, and a checkpoint of RCL that holds it."""
    folder = tmp_path_factory.mktemp('rcl_resnet50')
    config = Config.fromfile(CONFIG)
    config.model.queue.length = 64
    path = folder / 'epoch_200.pth'
    model = write_checkpoint(path, config, epoch=200, iter=62400, mmrcl_commit='abc', other='text')
    return model.backbone, path


@pytest.fixture(scope='module')
def converted(pretraining, tmp_path_factory):
    folder = tmp_path_factory.mktemp('converted')
    done = tool('convert/backbone.py', pretraining[1], '--out-dir', folder, '--format', *FORMATS)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "encoder of the config: 318 of 318 tensors (100.0 %), named 'backbone.'" in done.stdout
    files = {path.name.split('_')[-1].split('-')[0]: path for path in folder.glob('*.p*')}
    assert set(files) == set(FORMATS) and not list(folder.glob('*partial*'))
    return files


def features(backbone: torch.nn.Module) -> torch.Tensor:
    torch.manual_seed(1)
    backbone.eval()
    with torch.no_grad():
        found = backbone(torch.randn(2, 3, 64, 64))
    return found[-1] if isinstance(found, tuple) else found


def close(found: torch.Tensor, expected: torch.Tensor) -> bool:
    assert (expected > 0).float().mean() > 0.1  # The last ReLU has not silenced all.
    return torch.allclose(found, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))


@pytest.mark.slow
def test_torchvision_loads_it_strictly(pretraining, converted):
    model = torchvision.models.resnet50()
    model.fc = torch.nn.Identity()
    model.load_state_dict(torch.load(converted['torchvision'], weights_only=True), strict=True)
    expected = features(pretraining[0]).mean((2, 3))
    assert close(features(model), expected)


@pytest.mark.slow
def test_timm_loads_it_strictly(pretraining, converted):
    model = timm.create_model('resnet50', num_classes=0, global_pool='')
    model.load_state_dict(torch.load(converted['timm'], weights_only=True), strict=True)
    assert close(features(model), features(pretraining[0]))


@pytest.mark.slow
@pytest.mark.parametrize('kind', ['mmpretrain', 'mmdet'])
def test_openmmlab_loads_it(pretraining, converted, kind):
    init_cfg = dict(type='Pretrained', checkpoint=str(converted[kind]))
    if kind == 'mmpretrain':
        init_cfg['prefix'] = 'backbone.'
    with DefaultScope.overwrite_default_scope('mmrcl'):
        model = MODELS.build(dict(type='ResNet', depth=50, init_cfg=init_cfg))
    model.init_weights()
    assert close(features(model), features(pretraining[0]))


@pytest.mark.slow
def test_detectron2_finds_its_names_and_our_arrays(pretraining, converted):
    content = pickle.loads(converted['detectron2'].read_bytes())
    assert set(content['model']) == names_in_detectron2(50)
    assert content['matching_heuristics'] and content['__author__']
    state = pretraining[0].state_dict()
    for theirs, ours in [
        ('stem.conv1.norm.running_var', 'bn1.running_var'),
        ('res4.5.conv3.norm.bias', 'layer3.5.bn3.bias'),
        ('res5.0.shortcut.weight', 'layer4.0.downsample.0.weight'),
    ]:
        assert (content['model'][theirs] == state[ours].numpy()).all()


@pytest.mark.slow
def test_name_and_provenance(pretraining, converted):
    for path in converted.values():
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert path.stem.endswith(f'-{digest[:8]}')
    beside = json.loads(converted['timm'].with_suffix('.json').read_text())
    inside = torch.load(converted['mmdet'], weights_only=True)['meta']
    assert beside == inside
    assert (inside['epoch'], inside['mmrcl_commit'], inside['prefix']) == (200, 'abc', 'backbone.')
    assert 'SupportQueue' in inside['cfg'] and 'other' not in inside
    assert inside['source_sha256'] == hashlib.sha256(pretraining[1].read_bytes()).hexdigest()


@pytest.mark.slow
def test_an_extracted_file_is_refused(converted):
    done = call('convert/backbone.py', converted['mmpretrain'])
    assert done.returncode == 1 and 'extracted already' in done.stderr
    done = call('convert/backbone.py', converted['torchvision'], '--config', CONFIG)
    assert done.returncode == 1 and 'extracted already' in done.stderr


@pytest.mark.slow
def test_an_incomplete_one_is_refused_unless_told(pretraining, tmp_path):
    checkpoint = torch.load(pretraining[1], weights_only=False)
    del checkpoint['state_dict']['backbone.layer4.2.conv3.weight']
    torch.save(checkpoint, tmp_path / 'short.pth')
    command = ['convert/backbone.py', tmp_path / 'short.pth', '--out-dir', tmp_path / 'out']
    command += ['--format', 'torchvision', 'mmdet', '--prefix', 'backbone.']
    done = call(*command)
    assert done.returncode == 1 and not (tmp_path / 'out').exists()
    assert '317 of 318 tensors (99.6 %)' in done.stdout
    assert 'has no layer4.2.conv3.weight' in done.stderr and '--allow-partial' in done.stderr
    done = call(*command, '--allow-partial')
    assert done.returncode == 0 and 'written without 1 tensors' in done.stdout


@pytest.mark.slow
def test_a_wrong_prefix_is_refused(pretraining):
    done = call('convert/backbone.py', pretraining[1], '--prefix', 'encoder.')
    assert done.returncode == 1 and '0 of' in done.stdout and '--prefix' in done.stderr


def test_wrong_files_are_refused(tmp_path):
    torch.save(dict(state_dict={'a.weight': torch.zeros(1)}, meta={}), tmp_path / 'foreign.pth')
    (tmp_path / 'text.pth').write_text('text')
    for name, sentence in [
        ('missing.pth', 'missing.pth does not exist'),
        ('text.pth', 'torn or no checkpoint'),
        ('foreign.pth', 'contains no config: pass it by --config'),
    ]:
        done = call('convert/backbone.py', tmp_path / name)
        assert done.returncode == 1 and sentence in done.stderr
        assert 'Traceback' not in done.stderr


def test_a_small_stem_is_no_resnet_of_torchvision(tmp_path):
    config = Path('configs/rcl/rcl_resnet18_1xb128-coslr-30e_digits.py')
    with DefaultScope.overwrite_default_scope('mmrcl'):
        backbone = MODELS.build(Config.fromfile(config).model.backbone)
    state = {f'backbone.{name}': tensor for name, tensor in backbone.state_dict().items()}
    torch.save(dict(state_dict={**state, 'neck.bias': torch.zeros(1)}), tmp_path / 'a.pth')
    formats = ('--format', 'timm', 'mmdet', 'detectron2')
    done = call('convert/backbone.py', tmp_path / 'a.pth', '--config', config, *formats)
    assert done.returncode == 1
    assert 'timm: timm has no ResNet with the 3 x 3 stem' in done.stderr
    assert 'detectron2: torchvision has no ResNet with' in done.stderr
    assert '--allow-partial' not in done.stderr
    assert 'written: ' in done.stdout and list(tmp_path.glob('*_mmdet-*.pth'))
