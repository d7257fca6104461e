"""Vision transformers and networks of libraries in the names of timm and torchvision."""

from pathlib import Path

import pytest
import timm
import torch
import torchvision
from mmengine.registry import DefaultScope
from torch import nn

from mmrcl import load_encoder
from mmrcl.checkpoint import load_weights
from mmrcl.export import NoFormatError, find_counterpart, trained_encoder, write_formats
from mmrcl.export.vision_transformers import timm_vit, torchvision_vit, vit_names
from mmrcl.registry import MODELS

from ..runs import VIT, tiny_config
from ..test_apis.folders import write_checkpoint

MINI = dict(embed_dims=48, num_layers=2, num_heads=4, feedforward_channels=96)


def vit(**settings) -> nn.Module:
    """A vision transformer in float64 whose norms, biases and tokens have moved."""
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmrcl'):
        backbone = MODELS.build(settings)
    backbone.init_weights()
    for parameter in backbone.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    backbone.double().eval()
    return backbone


def check_equal(found: nn.Module, backbone: nn.Module, library: str) -> None:
    found.double().load_state_dict(vit_names(backbone.state_dict(), library), strict=True)
    found.eval()
    channels = backbone.patch_embed.projection.in_channels
    images = torch.randn(2, channels, *backbone.img_size, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(found(images), backbone(images)[-1], rtol=1e-10, atol=1e-10)


def build_torchvision(**options) -> nn.Module:
    network = torchvision.models.VisionTransformer(**options)
    network.heads = nn.Identity()
    return network


@pytest.mark.parametrize('kind', ['MoCoV3ViT', 'VisionTransformer'])
def test_vit_small_is_that_of_timm_and_torchvision(kind):
    backbone = vit(type=kind, arch='deit-small', img_size=224, patch_size=16)
    assert timm_vit(backbone) == ('vit_small_patch16_224', {})
    check_equal(timm.create_model('vit_small_patch16_224', num_classes=0), backbone, 'timm')
    options = dict(image_size=224, patch_size=16, num_layers=12, num_heads=6)
    options |= dict(hidden_dim=384, mlp_dim=1536)
    assert torchvision_vit(backbone) == ('VisionTransformer', options)
    check_equal(build_torchvision(**options), backbone, 'torchvision')


# Heads are in no tensor: with 6 of them, timm's network would load this one and return others.
def test_the_heads_of_mocov3_are_an_option():
    backbone = vit(type='MoCoV3ViT', arch='mocov3-small', img_size=224, patch_size=16)
    assert timm_vit(backbone) == ('vit_small_patch16_224', dict(num_heads=12))


@pytest.mark.parametrize('channels', [1, 3])
@pytest.mark.parametrize('pooled', [False, True])
def test_other_sizes_are_options(channels, pooled):
    pooling = dict(out_type='avg_featmap', final_norm=False) if pooled else {}
    settings = dict(arch=MINI, img_size=24, patch_size=3, in_channels=channels)
    backbone = vit(type='VisionTransformer', **settings, **pooling)
    name, options = timm_vit(backbone)
    network = timm.create_model(name, num_classes=0, in_chans=channels, **options)
    check_equal(network, backbone, 'timm')
    if channels == 3 and not pooled:
        check_equal(build_torchvision(**torchvision_vit(backbone)[1]), backbone, 'torchvision')


def of_library(library: str, model: str, channels: int, width: int, **options) -> dict:
    backbone = dict(type='LibraryBackbone', library=library, model=model, in_channels=channels)
    return dict(
        model__backbone=dict(_delete_=True, **backbone, **options),
        model__neck__in_channels=width,
        model__neck__with_avg_pool=False,
    )


COLOR = dict(data_preprocessor__mean=[78.0] * 3, data_preprocessor__std=[96.0] * 3)
FC = {'fc.weight', 'fc.bias'}


def written(folder: Path, **changes):
    config = tiny_config(folder, **changes)
    write_checkpoint(folder / 'epoch_4.pth', config)
    state, meta = load_weights(folder / 'epoch_4.pth')
    return trained_encoder(folder / 'epoch_4.pth', state, meta, config)


OF_TIMM = of_library('timm', 'test_vit', 1, 64, img_size=16, patch_size=2)


@pytest.mark.parametrize('changes', [VIT, OF_TIMM], ids=['mmpretrain', 'timm'])
def test_timm_loads_the_folder(changes, tmp_path):
    encoder = written(tmp_path, **changes)
    exported = write_formats(encoder, tmp_path / 'out', ['safetensors', 'timm', 'detectron2'], 'a')
    assert set(exported.written) == {'safetensors', 'timm'}, exported.refused
    network = timm.create_model(f'local-dir:{tmp_path / "out"}', pretrained=True).eval()
    images = torch.randn(2, 1, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(network(images), encoder.features(images), rtol=1e-4, atol=1e-5)


def test_a_network_of_torchvision_is_itself_and_timms(tmp_path):
    encoder = written(tmp_path, **of_library('torchvision', 'resnet18', 3, 512), **COLOR)
    for library in ('torchvision', 'timm'):
        counterpart = find_counterpart(encoder, library)
        assert counterpart.architecture == 'resnet18'
        assert set(counterpart.tensors) == set(torchvision.models.resnet18().state_dict()) - FC


def test_networks_of_a_library_are_converted_to_it_alone(tmp_path):
    with pytest.raises(NoFormatError, match='torchvision: .* networks of torchvision itself are'):
        find_counterpart(written(tmp_path, **OF_TIMM), 'torchvision')


def test_detectron2_gets_resnets_alone(tmp_path):
    encoder = written(tmp_path, **VIT, **COLOR, model__backbone__in_channels=3)
    refused = write_formats(encoder, tmp_path / 'out', ['detectron2'], 'a').refused
    assert 'detectron2 gets ResNets alone' in refused['detectron2']


@pytest.mark.parametrize(
    ('library', 'settings', 'sentence'),
    [
        ('timm', dict(out_type='avg_featmap'), 'final_norm=True normalises tokens and then'),
        ('timm', dict(out_type='raw'), "do not return out_type='raw'"),
        ('torchvision', dict(out_type='avg_featmap'), "do not return out_type='avg_featmap'"),
        ('timm', dict(layer_scale_init_value=0.1), 'compared with the nearest network of timm'),
    ],
)
def test_features_that_a_library_lacks_are_refused(library, settings, sentence, tmp_path):
    changes = VIT | {f'model__backbone__{key}': value for key, value in settings.items()}
    with pytest.raises(NoFormatError, match=sentence):
        find_counterpart(written(tmp_path, **changes), library)


def test_a_vision_transformer_is_loaded_without_trust(tmp_path):
    encoder = written(tmp_path, **VIT)
    loaded = load_encoder(tmp_path / 'epoch_4.pth', device='cpu')
    pixels = torch.randint(0, 256, (2, 1, 16, 16), dtype=torch.uint8)
    [mean], [std] = (encoder.config.data_preprocessor[key] for key in ('mean', 'std'))
    with torch.no_grad():
        expected = encoder.features((pixels.float() - mean) / std)
        torch.testing.assert_close(loaded.network(pixels)[-1], expected)
