"""Encoders see a file as the tests of their config see the image."""

import pytest
import timm
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader
from torchvision.transforms import functional as F

import mmrcl
from mmrcl.features.extraction import extract, extract_representation, pooled

from ..runs import tiny_config
from .folders import write_checkpoint, write_colors, write_digits

IMAGENET = 'configs/rcl/rcl_resnet50_8xb512-coslr-200e_in1k.py'
CIFAR10 = 'configs/rcl/rcl_resnet18_1xb256-coslr-200e_cifar10.py'


def build_loader(config: dict) -> DataLoader:
    with DefaultScope.overwrite_default_scope('mmrcl'):
        return Runner.build_dataloader(config)


@pytest.fixture
def digits(tmp_path):
    config = tiny_config(tmp_path)
    return config, write_checkpoint(tmp_path / 'epoch_1.pth', config), tmp_path / 'epoch_1.pth'


def test_a_file_gives_what_the_data_set_in_memory_gives(digits, tmp_path):
    config, model, checkpoint = digits
    folder = write_digits(tmp_path / 'digits', 'test', 30)
    config.test_dataloader.dataset.indices = 30
    expected, classes = extract_representation(model, build_loader(config.test_dataloader))
    found = mmrcl.extract_features(mmrcl.load_encoder(checkpoint), folder, class_folders=True)
    order = [int(path.split('/')[-1][:-4]) for path in found.paths]
    assert sorted(order) == list(range(30))
    torch.testing.assert_close(found.vectors, expected[order], rtol=1e-5, atol=1e-6)
    assert found.classes == [str(int(classes[index])) for index in order]


def small(path: str) -> Config:
    """A config of ImageNet or CIFAR-10 with a ResNet-18 of 8 channels."""
    config = Config.fromfile(path)
    config.model.backbone.update(depth=18, stem_channels=8, base_channels=8)
    config.model.neck.update(in_channels=64)
    config.model.queue.length = 64
    return config


def test_a_file_gives_what_the_data_set_of_files_gives(tmp_path):
    config, folder = small(IMAGENET), write_colors(tmp_path / 'photos')
    model = write_checkpoint(tmp_path / 'a.pth', config)
    loader = dict(
        config.test_dataloader,
        batch_size=4,
        num_workers=0,
        dataset=dict(type='ImageFolder', data_root=str(folder), pipeline=config.test_pipeline),
    )
    expected = extract(model, lambda images: pooled(model.backbone(images)), build_loader(loader))
    found = mmrcl.extract_features(mmrcl.load_encoder(str(tmp_path / 'a.pth')), folder)
    torch.testing.assert_close(found.vectors, expected.features, rtol=1e-5, atol=1e-6)


def test_colours_of_a_data_set_in_memory_are_those_of_the_file(tmp_path):
    config = small(CIFAR10)
    model = write_checkpoint(tmp_path / 'a.pth', config)
    torch.manual_seed(0)
    pixels = torch.randint(0, 256, (3, 32, 32), dtype=torch.uint8)
    F.to_pil_image(pixels).save(tmp_path / 'a.png')
    with torch.no_grad():
        images = model.data_preprocessor(dict(inputs=pixels[None], data_samples=[]))['inputs']
        expected = pooled(model.backbone(images))
    encoder = mmrcl.load_encoder(str(tmp_path / 'a.pth'))
    found = mmrcl.extract_features(encoder, [tmp_path / 'a.png'])
    torch.testing.assert_close(found.vectors, expected, rtol=1e-5, atol=1e-6)


def test_an_encoder_of_another_library(tmp_path):
    torch.manual_seed(0)
    network = timm.create_model('resnet18', num_classes=0)
    folder = write_colors(tmp_path / 'photos', side=32)

    def transform(image: Image.Image) -> torch.Tensor:
        return F.to_tensor(F.resize(image, [32, 32]))

    found = mmrcl.extract_features(mmrcl.wrap_encoder(network, transform), folder, batch_size=4)
    assert not network.training
    images = [transform(Image.open(path)) for path in found.paths]
    torch.testing.assert_close(found.vectors, network(torch.stack(images)), rtol=1e-4, atol=1e-5)


def test_another_encoder_of_the_checkpoint_can_be_named(digits):
    config, model, checkpoint = digits
    name = 'momentum_encoder.module.0.'
    state = torch.load(checkpoint, weights_only=False)
    for key in state['state_dict']:
        if key.startswith(name) and key.endswith('weight'):
            state['state_dict'][key] += 1
    torch.save(state, checkpoint)
    own, other = (mmrcl.load_encoder(str(checkpoint), prefix=prefix) for prefix in (None, name))
    for one, two in zip(own.network.parameters(), other.network.parameters(), strict=True):
        assert not one.requires_grad
        assert one.ndim < 2 or torch.equal(one + 1, two)


@pytest.mark.parametrize(
    ('change', 'sentence'),
    [
        (lambda config: config.model.backbone.update(depth=34), r'does not hold the backbone'),
        (lambda config: config.model.pop('backbone'), 'no model.backbone'),
        (
            lambda config: [config.pop(name) for name in ('test_dataloader', 'default_hooks')],
            'no test_dataloader.dataset.pipeline',
        ),
        (lambda config: config.pop('data_preprocessor'), 'no data_preprocessor'),
    ],
)
def test_refuses_a_config_that_does_not_fit(digits, change, sentence):
    config, _, checkpoint = digits
    change(config)
    with pytest.raises(ValueError, match=sentence):
        mmrcl.load_encoder(str(checkpoint), config)


def test_refuses_a_checkpoint_without_config_or_tensors(tmp_path):
    torch.save(dict(state_dict=nn.Linear(2, 2).state_dict()), tmp_path / 'a.pth')
    with pytest.raises(ValueError, match='contains no config'):
        mmrcl.load_encoder(str(tmp_path / 'a.pth'))
    with pytest.raises(FileNotFoundError):
        mmrcl.load_encoder(str(tmp_path / 'b.pth'))
