"""Files that another library loads strictly, with the features of mmrcl's encoder."""

import re

import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import load_file

import mmrcl
from mmrcl.export import EXPORT_FORMATS, onnx_file
from mmrcl.features import pooled

from ..test_apis.folders import write_colors
from .encoders import config_with, write_encoder

OTHERS = [kind for kind in EXPORT_FORMATS if kind != 'onnx']


@pytest.fixture(scope='module')
def exported(tmp_path_factory):
    """A ResNet-18 for ImageNet's images, its checkpoint and every file but ONNX's."""
    folder = tmp_path_factory.mktemp('run')
    backbone, checkpoint = write_encoder(folder, config_with(None), mmrcl_commit='abc')
    return backbone, checkpoint, mmrcl.export_encoder(checkpoint, folder / 'out', OTHERS)


def features(network: torch.nn.Module, channels: int = 3) -> torch.Tensor:
    torch.manual_seed(1)
    with torch.no_grad():
        return pooled(network(torch.randn(2, channels, 64, 64)))


def test_timm_loads_the_folder_strictly(exported):
    backbone, _, done = exported
    assert list(done.written) == OTHERS and not done.refused
    folder = done.written['safetensors'].parent
    network = timm.create_model(f'local-dir:{folder}', pretrained=True).eval()
    wanted = timm.create_model('resnet18', num_classes=0).state_dict()
    assert load_file(done.written['safetensors']).keys() == wanted.keys()
    assert network.num_classes == 0 and network.num_features == 512
    found = features(network)
    assert (found > 0).float().mean() > 0.1
    torch.testing.assert_close(found, features(backbone), rtol=1e-5, atol=1e-6)


def test_timm_prepares_images_as_mmrcl_does(exported, tmp_path):
    _, checkpoint, done = exported
    photos = write_colors(tmp_path / 'photos', count=1, side=300)
    ours = mmrcl.extract_features(mmrcl.load_encoder(checkpoint, device='cpu'), photos)
    network = timm.create_model(
        f'local-dir:{done.written["safetensors"].parent}', pretrained=True
    ).eval()
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(network))
    with torch.no_grad():
        found = network(transform(Image.open(ours.paths[0]))[None])
    torch.testing.assert_close(found, ours.vectors, rtol=1e-4, atol=1e-5)


def test_code_of_the_model_card_runs(exported, monkeypatch):
    _, _, done = exported
    folder = done.written['safetensors'].parent
    monkeypatch.chdir(folder)
    blocks = re.findall(r'```python\n(.*?)```', (folder / 'README.md').read_text(), re.DOTALL)
    assert len(blocks) == 8
    for block in blocks:
        exec(block, {})


def test_gray_images_have_a_counterpart_in_timm_alone(tmp_path):
    config = config_with(in_channels=1)
    config.data_preprocessor.update(mean=[78.0], std=[96.0])
    backbone, checkpoint = write_encoder(tmp_path, config)
    done = mmrcl.export_encoder(checkpoint, tmp_path / 'out', ['torchvision', 'safetensors'])
    network = timm.create_model(f'local-dir:{tmp_path / "out"}', pretrained=True).eval()
    torch.testing.assert_close(features(network, 1), features(backbone, 1), rtol=1e-5, atol=1e-6)
    assert 'conv1.weight of shape (64, 1, 7, 7), not (64, 3, 7, 7)' in done.refused['torchvision']


@pytest.mark.parametrize(
    ('backbone', 'sentence'),
    [
        (dict(type='ResNet_CIFAR'), 'timm has no ResNet with the 3 x 3 stem'),
        (dict(stem_channels=32), r'conv1.weight of shape \(32, 3, 7, 7\), not \(64, 3, 7, 7\)'),
        (dict(deep_stem=True), 'the encoder has no conv1.weight'),
        (dict(num_stages=3, strides=(1, 2, 2), dilations=(1,) * 3, out_indices=(2,)), 'no layer4'),
        (dict(out_indices=(2,)), 'takes all tensors .* 512 features instead of 256'),
        (dict(strides=(1, 2, 2, 1)), 'takes all tensors .* but returns other features'),
        (dict(type='MobileNetV2'), 'MobileNetV2 is not converted to timm'),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else '',
)
def test_what_has_no_counterpart_is_said_and_the_rest_is_written(backbone, sentence, tmp_path):
    config = config_with()
    config.model.backbone.update(backbone)
    if backbone.get('type') == 'MobileNetV2':
        config.model.backbone = dict(type='MobileNetV2')
    _, checkpoint = write_encoder(tmp_path, config)
    done = mmrcl.export_encoder(checkpoint, tmp_path / 'out', ['safetensors', 'mmpretrain'])
    assert re.search(sentence, done.refused['safetensors'])
    assert list(done.written) == ['mmpretrain'] and (tmp_path / 'out/README.md').exists()
    assert not (tmp_path / 'out/config.json').exists()


def test_bgr_images_are_no_setting_of_timm(tmp_path):
    config = config_with()
    config.data_preprocessor.to_rgb = False
    _, checkpoint = write_encoder(tmp_path, config)
    done = mmrcl.export_encoder(checkpoint, tmp_path / 'out', ['safetensors', 'torchvision'])
    assert 'data_preprocessor.to_rgb=True' in done.refused['safetensors']
    assert 'Images are BGR' in (tmp_path / 'out/README.md').read_text()


def test_missing_packages_are_named(tmp_path, monkeypatch):
    _, checkpoint = write_encoder(tmp_path, config_with())
    monkeypatch.setattr(onnx_file, 'find_spec', lambda name: None)
    monkeypatch.setitem(__import__('sys').modules, 'timm', None)
    done = mmrcl.export_encoder(checkpoint, tmp_path / 'out', ['safetensors', 'onnx', 'mmdet'])
    remedy = "missing: pip install 'mmrcl[export]'"
    assert done.refused == dict(safetensors=f'timm {remedy}', onnx=f'onnx and onnxscript {remedy}')
    assert list(done.written) == ['mmdet']


@pytest.mark.skipif(torch.__version__ < '2.6', reason='no exporter that is used here')
def test_a_refusal_of_torch_is_one_sentence(tmp_path, monkeypatch):
    def refuse(*arguments: object) -> None:
        cause = RuntimeError('Could not guard on Eq(u0, 1)\n\nconsider guard_or_false\n')
        raise torch.onnx.OnnxExporterError('Failed:\nin a step') from cause

    _, checkpoint = write_encoder(tmp_path, config_with())
    monkeypatch.setattr(onnx_file, 'find_spec', lambda name: name)
    monkeypatch.setattr(onnx_file, '_exported', refuse)
    done = mmrcl.export_encoder(checkpoint, tmp_path / 'out', ['onnx', 'mmdet'])
    assert done.refused['onnx'] == (
        'torch cannot export ResNet (Could not guard on Eq(u0, 1)); use the format mmpretrain or '
        'mmdet, which take any backbone'
    )


def test_a_folder_with_an_earlier_export_is_refused(tmp_path):
    _, checkpoint = write_encoder(tmp_path, config_with())
    mmrcl.export_encoder(checkpoint, tmp_path / 'out', ['mmdet'])
    before = sorted((tmp_path / 'out').iterdir())
    with pytest.raises(FileExistsError, match='out exists and is not an empty folder: name a new'):
        mmrcl.export_encoder(checkpoint, tmp_path / 'out', ['mmpretrain'])
    assert sorted((tmp_path / 'out').iterdir()) == before


def test_nothing_is_left_behind_when_every_format_is_refused(tmp_path):
    _, checkpoint = write_encoder(tmp_path, config_with(stem_channels=32))
    with pytest.raises(ValueError, match='no format can be written:\nsafetensors: not written: c'):
        mmrcl.export_encoder(checkpoint, tmp_path / 'out', ['safetensors'])
    with pytest.raises(ValueError, match="format 'jax' is unknown: use safetensors, onnx"):
        mmrcl.export_encoder(checkpoint, tmp_path / 'out', ['mmdet', 'jax'])
    assert not (tmp_path / 'out').exists()


def test_another_config_is_refused(tmp_path):
    _, checkpoint = write_encoder(tmp_path, config_with())
    with pytest.raises(ValueError, match='does not hold the encoder of its config: 0 of|it has'):
        mmrcl.export_encoder(checkpoint, tmp_path / 'out', config=config_with(base_channels=32))
    assert not (tmp_path / 'out').exists()


def test_a_config_that_is_passed_is_recorded(tmp_path):
    config = config_with()
    _, checkpoint = write_encoder(tmp_path, config)
    content = torch.load(checkpoint)
    del content['meta']['cfg']
    torch.save(content, checkpoint)
    done = mmrcl.export_encoder(checkpoint, tmp_path / 'out', ['mmpretrain'], config)
    assert mmrcl.load_encoder(done.written['mmpretrain'], device='cpu')


@pytest.mark.slow
def test_onnx_takes_pixels_in_any_number(tmp_path):
    pytest.importorskip('onnx', reason='onnx is not installed')
    pytest.importorskip('onnxscript', reason='onnxscript is not installed')
    onnxruntime = pytest.importorskip('onnxruntime', reason='onnxruntime is not installed')
    if torch.__version__ < '2.6':
        pytest.skip(f'torch {torch.__version__} has no exporter that is used here')
    config = config_with(stem_channels=16, base_channels=16)
    backbone, checkpoint = write_encoder(tmp_path, config)
    done = mmrcl.export_encoder(checkpoint, tmp_path / 'out', ['onnx'])
    session = onnxruntime.InferenceSession(done.written['onnx'])
    said = session.get_modelmeta().custom_metadata_map
    assert said['images'] == 'float32 RGB (n, 3, 64, 64), values 0 to 255'
    assert said['features'] == 'float32 (n, 128)' and said['source'] == 'epoch_3.pth'
    pixels = torch.randint(0, 256, (5, 3, 64, 64))
    found = session.run(None, dict(images=pixels.float().numpy()))[0]
    mean, std = (
        torch.tensor(values)[:, None, None]
        for values in (config.data_preprocessor.mean, config.data_preprocessor.std)
    )
    with torch.no_grad():
        expected = pooled(backbone((pixels - mean) / std))
    torch.testing.assert_close(torch.from_numpy(found), expected, rtol=1e-4, atol=1e-5)
