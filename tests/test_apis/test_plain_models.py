"""Models of timm and torchvision without wrapping, and pictures that do not fit an encoder."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torchvision import models
from torchvision.transforms import functional as F

import mmrcl

timm = pytest.importorskip('timm')

CUT = 'the transform of torchvision.s weights cannot be known'


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    """Two pictures of 300 x 260 pixels in colour."""
    folder = tmp_path_factory.mktemp('pictures')
    draw = np.random.default_rng(0)
    for index in range(2):
        coarse = draw.integers(0, 256, (26, 30, 3), dtype=np.uint8)
        Image.fromarray(coarse.repeat(10, 0).repeat(10, 1)).save(folder / f'{index}.png')
    return folder


def pixels(folder: Path, side: int = 224) -> torch.Tensor:
    """The pictures as ImageNet's validation cuts and normalises them."""
    images = []
    for path in sorted(folder.iterdir()):
        image = F.resize(Image.open(path).convert('RGB'), round(side / 0.875))
        image = F.to_tensor(F.center_crop(image, [side, side]))
        images.append(F.normalize(image, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    return torch.stack(images)


@pytest.mark.parametrize(
    ('name', 'classifier', 'width'),
    [('resnet18', 'fc', 512), ('mobilenet_v3_small', 'classifier', 1024)],
)
@pytest.mark.parametrize('training', [False, True])
def test_a_model_of_torchvision_gives_what_its_classifier_takes(
    name, classifier, width, training, folder
):
    model = models.get_model(name, weights=None).train(training)
    before = [parameter.requires_grad for parameter in model.parameters()]
    with pytest.warns(UserWarning, match=CUT):
        found = mmrcl.extract_features(model, folder).vectors
    assert model.training == training
    assert [parameter.requires_grad for parameter in model.parameters()] == before
    assert not any(part._forward_pre_hooks for part in model.modules())
    last = getattr(model, classifier)
    (last if isinstance(last, nn.Linear) else last[-1]).register_forward_pre_hook(
        lambda _, taken: expected.append(taken[0])
    )
    expected: list[torch.Tensor] = []
    with torch.no_grad():
        model.eval()(pixels(folder))
    assert found.shape == (2, width)
    torch.testing.assert_close(found, expected[0])


def test_a_removed_classifier_leaves_the_output(folder):
    model = models.resnet18(weights=None)
    with pytest.warns(UserWarning, match=CUT):
        whole = mmrcl.extract_features(model, folder).vectors
        model.fc = nn.Identity()
        torch.testing.assert_close(mmrcl.extract_features(model, folder).vectors, whole)


def test_a_model_of_timm_has_its_own_transform(folder):
    model = timm.create_model('resnet18', pretrained=False).train()
    with warnings.catch_warnings():
        warnings.simplefilter('error', UserWarning)
        found = mmrcl.extract_features(model, folder).vectors
    assert model.training and next(model.parameters()).requires_grad
    model.eval().reset_classifier(0)
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model))
    expected = mmrcl.extract_features(mmrcl.wrap_encoder(model, transform), folder).vectors
    assert found.shape == (2, 512)
    torch.testing.assert_close(found, expected)


def test_says_which_models_need_a_transform(folder):
    with pytest.raises(TypeError, match='Flatten is no encoder and no model of timm or torchv'):
        mmrcl.extract_features(nn.Flatten(), folder)
    with pytest.raises(ValueError, match='ResNet takes 1 channels, and images are read as RGB'):
        mmrcl.extract_features(timm.create_model('resnet18', in_chans=1), folder)
    with pytest.raises(TypeError, match='list of files, got ndarray in it: write pictures'):
        mmrcl.extract_features(mmrcl.wrap_encoder(nn.Flatten(), F.to_tensor), np.ones((2, 8, 8)))


def small(folder: Path, mode: str, side: int = 20, count: int = 40) -> Path:
    folder.mkdir()
    for index in range(count):
        Image.new('RGB', (side, side + 5), (index, 99, 0)).convert(mode).save(
            folder / f'{index:02}.png'
        )
    return folder


def said(folder: Path, side: int, channels: int) -> list[str]:
    def transform(image):
        return F.to_tensor(F.resize(image.convert('L' if channels == 1 else 'RGB'), [side, side]))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        mmrcl.extract_features(mmrcl.wrap_encoder(nn.Flatten(), transform), folder, batch_size=4)
    return [str(each.message) for each in caught if 'encoder' in str(each.message)]


@pytest.mark.parametrize(
    ('mode', 'side', 'channels', 'expected'),
    [
        ('RGB', 40, 3, []),
        ('L', 40, 1, []),
        ('RGB', 41, 3, ['median side is 20 pixels, its input 41']),
        ('L', 40, 3, ['most pictures are gray, and the encoder takes 3 channels']),
        ('RGB', 40, 1, ['most pictures have colours, and the encoder takes 1 channel']),
        ('L', 64, 3, ['its input 64', 'most pictures are gray']),
    ],
)
def test_pictures_that_do_not_fit_are_said_once(mode, side, channels, expected, tmp_path):
    found = said(small(tmp_path / 'small', mode), side, channels)
    assert len(found) == len(expected)
    assert all(part in text for part, text in zip(expected, found, strict=True))


def test_few_of_another_kind_are_no_reason(tmp_path):
    folder = small(tmp_path / 'small', 'RGB')
    for index in range(10):
        Image.new('L', (4, 4)).save(folder / f'{index + 2:02}.png')
    (folder / '01.png').write_bytes(b'broken')
    assert said(folder, 32, 3) == []
