"""Networks of timm and torchvision as backbones, and configs of backbones by name."""

import sys
from copy import deepcopy

import pytest
import timm
import torch
from mmengine.registry import DefaultScope
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torchvision import models

from mmrcl.models import LibraryBackbone, SyncBatchNorm, backbone_config
from mmrcl.models.backbones.choice import patch_size_for
from mmrcl.models.norms import synchronize_norms
from mmrcl.registry import MODELS


def build(config: dict) -> nn.Module:
    with DefaultScope.overwrite_default_scope('mmrcl'):
        return MODELS.build(config)


def reference(library: str, model: str) -> nn.Module:
    """The library's own network with its own norms, and without its classifier."""
    if library == 'timm':
        return timm.create_model(model, num_classes=0)
    network = models.get_model(model)
    network.fc = nn.Identity()
    return network


# EfficientNet's norms contain the activation.
LIBRARY = [('timm', 'test_efficientnet'), ('timm', 'test_vit'), ('torchvision', 'resnet18')]


@pytest.mark.parametrize(('library', 'model'), LIBRARY)
def test_it_is_the_network_of_the_library_in_training_and_evaluation(library, model):
    expected = reference(library, model)
    found = LibraryBackbone(library, model)
    found.network.load_state_dict(expected.state_dict())
    images = torch.randn(4, 3, 160, 160)
    for mode in (True, False):
        expected.train(mode)
        found.train(mode)
        assert torch.equal(found(images)[0], expected(images))
    for name, tensor in expected.state_dict().items():
        assert torch.equal(found.network.state_dict()[name], tensor), name


@pytest.mark.parametrize(('library', 'model'), LIBRARY)
def test_its_norms_are_synchronised(library, model):
    parts = LibraryBackbone(library, model).modules()
    norms = [part for part in parts if isinstance(part, _BatchNorm)]
    assert bool(norms) == (model != 'test_vit')
    assert all(isinstance(part, SyncBatchNorm) for part in norms)


SETTINGS = [dict(eps=0.1, momentum=0.3), dict(affine=False), dict(track_running_stats=False)]


@pytest.mark.parametrize('settings', SETTINGS)
def test_a_synchronised_norm_keeps_the_settings(settings):
    plain = nn.Sequential(nn.BatchNorm2d(3, **settings), nn.BatchNorm1d(3, **settings))
    found = deepcopy(plain)
    synchronize_norms(found)
    for mode in (True, False):
        found.train(mode)
        plain.train(mode)
        for layer, images in enumerate([torch.randn(4, 3, 5, 5), torch.randn(4, 3)]):
            assert isinstance(found[layer], SyncBatchNorm)
            assert torch.equal(found[layer](images), plain[layer](images))


@pytest.mark.parametrize('model', ['test_vit', 'test_efficientnet'])
def test_initialisation_by_mmengine_keeps_the_weights(model):
    backbone = LibraryBackbone('timm', model)
    before = {name: tensor.clone() for name, tensor in backbone.state_dict().items()}
    backbone.init_weights()
    assert all(torch.equal(before[name], each) for name, each in backbone.state_dict().items())


# The second linear layer of MobileNet's classifier is removed, the first one stays.
@pytest.mark.parametrize(
    ('library', 'model'),
    [('timm', 'test_vit'), ('torchvision', 'mobilenet_v3_small'), ('torchvision', 'convnext_tiny')],
)
def test_it_starts_from_a_file_of_the_library(library, model, tmp_path):
    create = timm.create_model if library == 'timm' else models.get_model
    state = create(model).state_dict()
    torch.save(state, tmp_path / 'weights.pth')
    init_cfg = dict(type='mmrcl.StrictPretrained', checkpoint=str(tmp_path / 'weights.pth'))
    backbone = build(dict(type='LibraryBackbone', library=library, model=model, init_cfg=init_cfg))
    backbone.init_weights()
    for name, tensor in backbone.network.state_dict().items():
        assert torch.equal(tensor, state[name]), name


@pytest.mark.parametrize(
    ('arguments', 'sentence'),
    [
        (('keras', 'resnet18'), "library='keras' is unknown: choose one of timm, torchvision"),
        (('timm', 'resnet19'), r"timm has no model='resnet19' \(similar: resnet18"),
        (('timm', 'hf-hub:someone/model'), 'timm has no model='),
        (('torchvision', 'resnet19'), r'\(similar: resnet18, resnet1'),
        (('torchvision', 'fasterrcnn_resnet50_fpn'), 'for classification'),
        (('torchvision', 'squeezenet1_0'), 'does not end with a linear layer'),
        (('torchvision', 'resnet18', 1), 'take 3 channels, not in_channels=1: choose one of timm'),
    ],
)
def test_other_networks_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        LibraryBackbone(*arguments)


@pytest.mark.parametrize('option', ['checkpoint_path', 'pretrained', 'weights'])
def test_a_config_cannot_have_files_read_or_downloaded(option):
    with pytest.raises(ValueError, match=f'random weights: instead of {option} set init_cfg='):
        LibraryBackbone('timm', 'test_vit', **{option: 'file.pth'})


def test_another_output_than_vectors_is_refused():
    backbone = LibraryBackbone('timm', 'test_vit', global_pool='')
    with pytest.raises(ValueError, match=r'returns \(1, 101, 64\), not one vector'):
        backbone(torch.zeros(1, 3, 160, 160))


@pytest.mark.parametrize(
    ('name', 'size', 'channels'),
    [
        ('resnet18', 32, 1),
        ('resnet18', 96, 3),
        ('resnet50', 32, 3),
        ('vit_tiny', 28, 1),
        ('vit_small', 32, 3),
        ('timm:vit_tiny_patch16_224', 32, 1),
        ('timm:test_efficientnet', 32, 1),
        ('timm:swin_tiny_patch4_window7_224', 32, 3),
        ('torchvision:vit_b_32', 64, 3),
        ('torchvision:mobilenet_v3_small', 32, 3),
    ],
)
def test_a_choice_says_what_the_backbone_returns(name, size, channels):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    choice = backbone_config(name, size, channels)
    assert torch.equal(torch.get_rng_state(), before)
    backbone = build(choice.backbone)
    backbone.eval()
    with torch.no_grad():
        output = backbone(torch.zeros(2, channels, size, size))[-1]
    assert output.shape[:2] == (2, choice.out_channels)
    assert (output.ndim == 4) == choice.with_avg_pool
    # A ResNet's own stem would leave 1 x 1 positions of 32 pixels.
    assert output.ndim == 2 or output.shape[2] >= 3


@pytest.mark.parametrize('size', [8, 16, 24, 28, 32, 36, 48, 56, 64, 72, 80, 96, 112])
def test_small_images_have_8_to_14_patches_along_a_side(size):
    patch = patch_size_for(size)
    assert size % patch == 0 and 8 <= size // patch <= 14
    backbone = build(backbone_config('vit_tiny', size).backbone)
    assert backbone.patch_resolution == (size // patch, size // patch)
    timm_choice = backbone_config('timm:vit_tiny_patch16_224', size).backbone
    assert timm_choice['img_size'] == size and timm_choice['patch_size'] == patch


@pytest.mark.parametrize(('size', 'patch'), [(128, 16), (224, 16), (384, 16)])
def test_larger_images_have_patches_of_16_pixels(size, patch):
    assert patch_size_for(size) == patch
    assert 'patch_size' not in backbone_config('timm:vit_tiny_patch16_224', size).backbone


@pytest.mark.parametrize(
    ('name', 'size', 'sentence'),
    [
        ('resnet19', 32, r"model 'resnet19' is unknown \(similar: resnet18, resnet50\): choose "),
        ('timm', 32, "model 'timm' is unknown"),
        ('keras:vit', 32, "model 'keras:vit' is unknown"),
        ('timm:resnet19', 32, r"timm has no model='resnet19' \(similar: resnet18"),
        ('vit_tiny', 31, 'images of 31 x 31 pixels cannot be cut .*: set their size to 32'),
        ('vit_small', 230, 'set their size to 224'),
        ('vit_small', 5, 'set their size to 8'),
        ('torchvision:vit_b_16', 40, 'does not take images of 40 x 40 pixels and 3 channels'),
        ('torchvision:googlenet', 64, 'not one vector for each image'),
    ],
)
@pytest.mark.filterwarnings('ignore:The default weight initialization')
def test_a_choice_that_cannot_be_is_one_sentence(name, size, sentence):
    with pytest.raises(ValueError, match=sentence):
        backbone_config(name, size)


def test_a_missing_timm_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'timm', None)
    with pytest.raises(ImportError, match='pip install timm'):
        backbone_config('timm:resnet18', 32)
