"""Frozen encoders and HOG: features of the pixels that the libraries themselves would give."""

import sys

import numpy as np
import pytest
import timm
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from safetensors.torch import save_file
from skimage.feature import hog
from torchvision import models

from mmrcl.features import EncoderFeatures, HOGFeatures, resumable
from mmrcl.features.image_features import pixels_of
from mmrcl.registry import MODELS

from ..runs import tiny_config
from ..test_apis.folders import write_checkpoint, write_colors

IMAGENET = 'configs/rcl/rcl_resnet50_8xb512-coslr-200e_in1k.py'


def run_of(config: Config, dataset: dict | None = None):
    """A model's data preprocessor, which is all that is read of it, and a loader of images."""
    loader = dict(config.default_hooks.clustering.dataloader, batch_size=5, num_workers=0)
    loader['dataset'] = dataset or dict(loader['dataset'], indices=12)
    with DefaultScope.overwrite_default_scope('mmrcl'):
        model = torch.nn.Module()
        model.data_preprocessor = MODELS.build(config.data_preprocessor)
        return model, Runner.build_dataloader(resumable(loader), seed=0)


@pytest.fixture
def digits(tmp_path):
    return run_of(tiny_config(tmp_path))


@pytest.fixture
def colors(tmp_path):
    """Images of RGB files, which the pipeline reads as BGR."""
    config = Config.fromfile(IMAGENET)
    folder = write_colors(tmp_path / 'photos')
    steps = [dict(type='LoadImageFromFile'), dict(type='Resize', scale=(36, 40))]
    images = dict(type='ImageFolder', data_root=str(folder))
    return run_of(config, dict(images, pipeline=[*steps, dict(type='PackInputs')]))


def pixels_by_hand(loader) -> np.ndarray:
    """Pixels of all images in order, (N, H, W, C), RGB or gray."""
    images = loader.dataset.dataset
    pixels = [images[index]['inputs'].numpy() for index in range(len(images))]
    return np.stack(pixels)[:, ::-1].transpose(0, 2, 3, 1).astype('float32')


@pytest.mark.parametrize('name', ['digits', 'colors'])
def test_normalisation_is_undone(name, request):
    model, loader = request.getfixturevalue(name)
    batch = model.data_preprocessor(next(iter(loader)), False)
    found = pixels_of(model, batch['inputs']).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(found, pixels_by_hand(loader)[: len(found)], atol=1e-4)


@pytest.mark.parametrize('name', ['digits', 'colors'])
def test_hog_is_that_of_each_image(name, request):
    model, loader = request.getfixturevalue(name)
    source = HOGFeatures(orientations=5, pixels_per_cell=4, cells_per_block=2)
    source.check(model, loader)
    found = source(model, loader)
    for row, image in zip(found, pixels_by_hand(loader), strict=True):
        expected = hog(image, 5, (4, 4), (2, 2), channel_axis=-1)
        np.testing.assert_allclose(row.numpy(), expected, atol=1e-5)


def test_images_too_small_for_hog_are_refused(digits):
    with pytest.raises(
        ValueError, match='HOGFeatures cannot describe .*too small given the values'
    ):
        HOGFeatures().check(*digits)


@pytest.mark.parametrize(
    ('settings', 'sentence'),
    [
        (dict(pixels_per_cell=0), 'modulo by zero'),
        (dict(pixels_per_cell=(4, 4)), 'tuple'),
        (dict(orientations=0), r'shape \(1, 0\) must'),
        (dict(cells_per_block=0), r'shape \(1, 0\) must'),
    ],
)
def test_settings_of_hog_that_describe_nothing_are_refused(settings, sentence, digits):
    source = HOGFeatures(**dict(pixels_per_cell=4) | settings)
    with pytest.raises(ValueError, match=f'HOGFeatures cannot describe .*{sentence}'):
        source.check(*digits)


def test_an_encoder_of_nan_is_refused_before_work_starts(digits, tmp_path):
    state = timm.create_model('resnet10t').state_dict()
    state['conv1.0.weight'].fill_(float('nan'))
    save_file(state, tmp_path / 'a.safetensors')
    source = EncoderFeatures(str(tmp_path / 'a.safetensors'), 'resnet10t', image_size=32)
    with pytest.raises(ValueError, match='EncoderFeatures cannot describe .* NaN or Inf'):
        source.check(*digits)


def literal(network, mean, std, pixels: np.ndarray, size: int) -> torch.Tensor:
    """Features by the library, of pixels that it resizes itself."""
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255
    if images.shape[1] == 1:
        images = images.repeat(1, 3, 1, 1)
    resize = torch.nn.functional.interpolate
    images = resize(images, (size, size), mode='bicubic', antialias=True).clamp(0, 1)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (mean, std))
    with torch.no_grad():
        return network.eval()((images - mean) / std)


@pytest.mark.parametrize('name', ['digits', 'colors'])
@pytest.mark.parametrize('wrapped', [False, True])
def test_a_model_of_timm_gives_its_own_features(name, wrapped, tmp_path, request):
    model, loader = request.getfixturevalue(name)
    torch.manual_seed(0)
    network = timm.create_model('resnet10t')
    state = network.state_dict()
    save_file(
        {f'module.{key}' if wrapped else key: state[key] for key in state},
        tmp_path / 'a.safetensors',
    )
    network.reset_classifier(0)
    source = EncoderFeatures(str(tmp_path / 'a.safetensors'), 'resnet10t', image_size=48)
    source.check(model, loader)
    config = timm.data.resolve_model_data_config(network)
    expected = literal(network, config['mean'], config['std'], pixels_by_hand(loader), 48)
    torch.testing.assert_close(source(model, loader), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(('name', 'head'), [('resnet18', 'fc'), ('mobilenet_v3_small', None)])
def test_a_model_of_torchvision_ends_before_its_last_layer(name, head, colors, tmp_path):
    model, loader = colors
    torch.manual_seed(0)
    network = models.get_model(name)
    torch.save(network.state_dict(), tmp_path / 'a.pth')
    network.eval()
    setattr(*((network, head) if head else (network.classifier, '3')), torch.nn.Identity())
    source = EncoderFeatures(str(tmp_path / 'a.pth'), name, 'torchvision', image_size=64)
    source.check(model, loader)
    taken = models.get_model_weights(name).DEFAULT.transforms()
    expected = literal(network, taken.mean, taken.std, pixels_by_hand(loader), 64)
    torch.testing.assert_close(source(model, loader), expected, rtol=1e-4, atol=1e-4)


def test_a_model_takes_images_of_its_own_size(digits, tmp_path, monkeypatch):
    model, loader = digits
    network = timm.create_model('test_vit', num_classes=0)
    file = str(tmp_path / 'a.safetensors')
    save_file(network.state_dict(), file)
    whole = EncoderFeatures(file, 'test_vit')(model, loader)
    assert torch.equal(whole, EncoderFeatures(file, 'test_vit', image_size=160)(model, loader))
    with pytest.raises(ValueError, match='EncoderFeatures cannot describe .*divisible by patch'):
        EncoderFeatures(file, 'test_vit', image_size=150).check(model, loader)


def test_a_checkpoint_of_ours_gives_the_pooled_maps_of_its_backbone(tmp_path):
    config = tiny_config(tmp_path)
    trained = write_checkpoint(tmp_path / 'a.pth', config)
    other = config.copy()
    other.data_preprocessor = dict(config.data_preprocessor, mean=[10.0], std=[3.0])
    model, loader = run_of(other)
    source = EncoderFeatures(str(tmp_path / 'a.pth'))
    source.check(model, loader)
    pixels = torch.from_numpy(pixels_by_hand(loader)).permute(0, 3, 1, 2)
    [mean], [std] = config.data_preprocessor['mean'], config.data_preprocessor['std']
    with torch.no_grad():
        expected = trained.backbone((pixels - mean) / std)[-1].mean((2, 3))
    torch.testing.assert_close(source(model, loader), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ('arguments', 'sentence'),
    [
        (dict(), 'no weights, or two kinds: set checkpoint to a file'),
        (dict(checkpoint='a.pth', pretrained=True, model='x'), 'no weights, or two kinds'),
        (dict(pretrained=True), 'for a model of a library: set model'),
        (dict(checkpoint='a.pth', image_size=8), 'for a model of a library: set model'),
        (dict(checkpoint='a.pth', model='x', image_size=0), 'image_size=0 must be at least 1'),
        (dict(checkpoint='a.pth', model='x', library='keras'), "library='keras' is unknown"),
    ],
)
def test_settings_that_do_not_fit_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        EncoderFeatures(**arguments)


@pytest.mark.parametrize(
    ('library', 'name', 'sentence'),
    [
        ('timm', 'resnet11', "timm has no model='resnet11'"),
        ('torchvision', 'vit_tiny', "torchvision has no model='vit_tiny'"),
        ('torchvision', 'squeezenet1_0', 'does not end with a linear layer'),
        ('timm', 'resnet14t', r'a\.safetensors does not hold resnet14t: .*Set model to'),
        ('torchvision', 'resnet18', r'a\.safetensors does not hold resnet18: .*Set model to'),
    ],
)
def test_other_models_and_weights_are_refused(library, name, sentence, digits, tmp_path):
    save_file(timm.create_model('resnet10t').state_dict(), tmp_path / 'a.safetensors')
    source = EncoderFeatures(str(tmp_path / 'a.safetensors'), name, library)
    with pytest.raises(ValueError, match=sentence):
        source.check(*digits)


@pytest.mark.parametrize(
    ('module', 'source', 'sentence'),
    [
        ('timm', EncoderFeatures('a.pth', 'resnet18'), 'pip install timm'),
        ('skimage.feature', HOGFeatures(), 'pip install scikit-image'),
        ('safetensors', EncoderFeatures('a.safetensors', 'resnet10t'), 'pip install safetensors'),
    ],
)
def test_a_missing_library_is_named(module, source, sentence, digits, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=sentence):
        source.check(*digits)
