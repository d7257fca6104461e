"""Halves of images, pixel by pixel, and the backbone of both."""

import math

import pytest
import torch
from mmengine.registry import DefaultScope

from mmrcl.models import ColorHalves, FrequencyHalves
from mmrcl.registry import MODELS

MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]


def normalised(pixels) -> torch.Tensor:
    """RGB of 0 to 255, a row a pixel, as a preprocessor makes an image (1, 3, pixels, 1) of it."""
    values = (torch.tensor(pixels) - torch.tensor(MEAN)) / torch.tensor(STD)
    return values.T[None, :, :, None]


def literal_lab(pixel):
    """CIE 1976 L*a*b* of an sRGB pixel, white D65."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (v / 255 for v in pixel)
    ]
    xyz = [
        sum(weight * value for weight, value in zip(row, linear, strict=True))
        for row in (
            (0.4124564, 0.3575761, 0.1804375),
            (0.2126729, 0.7151522, 0.0721750),
            (0.0193339, 0.1191920, 0.9503041),
        )
    ]
    relative = [value / white for value, white in zip(xyz, (0.95047, 1.0, 1.08883), strict=True)]
    x, y, z = (
        t ** (1 / 3) if t > (6 / 29) ** 3 else t / (3 * (6 / 29) ** 2) + 4 / 29 for t in relative
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def test_lab_of_every_corner_and_of_drawn_pixels():
    generator = torch.Generator().manual_seed(0)
    corners = [[r, g, b] for r in (0, 255) for g in (0, 255) for b in (0, 255)]
    pixels = corners + torch.randint(256, (60, 3), generator=generator).tolist() + [[3, 5, 2]]
    luminance, color = ColorHalves(MEAN, STD, 'Lab')(
        normalised([[float(v) for v in p] for p in pixels])
    )
    for i, pixel in enumerate(pixels):
        lightness, a, b = literal_lab(pixel)
        assert luminance[0, 0, i, 0].item() == pytest.approx(lightness / 50 - 1, abs=1e-4)
        assert color[0, :, i, 0].tolist() == pytest.approx([a / 100, b / 100], abs=1e-4)


def test_lab_of_known_colors():
    """White, and red as the tables have it: 53.24, 80.09, 67.20."""
    luminance, color = ColorHalves(MEAN, STD)(normalised([[255.0] * 3, [255.0, 0.0, 0.0]]))
    assert luminance.flatten().tolist() == pytest.approx([1, 53.24 / 50 - 1], abs=1e-3)
    assert color[0, :, 0, 0].tolist() == pytest.approx([0, 0], abs=1e-3)
    assert color[0, :, 1, 0].tolist() == pytest.approx([0.8009, 0.6720], abs=1e-3)


def test_ydbdr():
    pixels = [[10.0, 200.0, 30.0], [255.0, 255.0, 255.0]]
    luminance, color = ColorHalves(MEAN, STD, 'YDbDr')(normalised(pixels))
    for i, (r, g, b) in enumerate([v / 255 for v in pixel] for pixel in pixels):
        y = 0.299 * r + 0.587 * g + 0.114 * b
        db, dr = 1.505 * (b - y), -1.902 * (r - y)
        assert luminance[0, 0, i, 0].item() == pytest.approx(2 * y - 1, abs=1e-3)
        assert color[0, :, i, 0].tolist() == pytest.approx([db / 1.333, dr / 1.333], abs=2e-3)


@pytest.mark.parametrize('channels', [1, 3])
def test_frequencies_add_up_and_the_low_ones_are_a_gaussian(channels):
    torch.manual_seed(0)
    images = torch.randn(2, channels, 12, 14)
    low, high = FrequencyHalves(1.0)(images)
    assert torch.allclose(low + high, images, atol=1e-6)
    weights = [math.exp(-(k**2) / 2) for k in range(-3, 4)]
    for place in ((5, 7), (0, 13)):
        expected = sum(
            weights[i] * weights[j]
            * images[1, -1, min(max(place[0] + i - 3, 0), 11), min(max(place[1] + j - 3, 0), 13)]
            for i in range(7) for j in range(7)
        ) / sum(weights) ** 2  # fmt: skip
        assert low[1, -1, place[0], place[1]].item() == pytest.approx(expected.item(), abs=1e-5)


def backbone(**changes):
    encoder = dict(type='ResNet_CIFAR', depth=18, stem_channels=4, base_channels=2)
    config = dict(
        type='HalvesBackbone',
        halves=dict(type='ColorHalves'),
        encoders=[dict(encoder, in_channels=1), dict(encoder, in_channels=2, base_channels=4)],
    )
    with DefaultScope.overwrite_default_scope('mmrcl'):
        return MODELS.build(config | changes)


def test_backbone_concatenates_what_each_encoder_sees():
    torch.manual_seed(0)
    model, images = backbone(), torch.randn(3, 3, 16, 16)
    model.eval()
    (maps,) = model(images)
    luminance, color = model.halves(images)
    first, second = model.encoders
    assert maps.shape == (3, 16 + 32, 2, 2)
    assert torch.equal(maps[:, :16], first(luminance)[0])
    assert torch.equal(maps[:, 16:], second(color)[0])
    assert not any('halves' in name for name in model.state_dict())


def test_wrong_settings():
    with pytest.raises(ValueError, match="space='HSV'.*use 'Lab' or 'YDbDr'"):
        ColorHalves(space='HSV')
    with pytest.raises(ValueError, match='ColorHalves takes 3 channels, not 1: .*FrequencyHalves'):
        ColorHalves()(torch.zeros(1, 1, 4, 4))
    with pytest.raises(ValueError, match='sigma=0 must be above 0'):
        FrequencyHalves(0)
    with pytest.raises(ValueError, match='encoders has 1 configs: list two'):
        backbone(encoders=[dict(type='ResNet_CIFAR', depth=18)])
