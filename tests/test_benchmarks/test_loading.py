"""The input of the throughput benchmark: each library makes two views of the drawn images."""

import importlib

import pytest
import torch

from ..commands import ROOT

METHODS = ['RCL', 'instance discrimination, channels last', 'MoCo v3 (mmpretrain)']
LIGHTLY = ['NNCLR (lightly)', 'MoCo, one direction (lightly)']


@pytest.fixture(scope='module')
def loading():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / 'tools/benchmarks')
        module = importlib.import_module('loading')
        patch.setattr(module, 'PICTURES', 3)
        yield module


@pytest.fixture
def settings(loading):
    return lambda backbone: loading.Settings(backbone, 4, 16, 8, 60, 'none', False)


@pytest.mark.parametrize('backbone', ['ResNet', 'ResNet_CIFAR'])
def test_every_library_makes_two_normalised_views(backbone, loading, settings, tmp_path):
    methods = METHODS + (LIGHTLY if importlib.util.find_spec('lightly') else [])
    given = settings(backbone)
    images = loading.Images(given)
    inputs = loading.inputs_of(methods, images, given, tmp_path)
    assert len(list(tmp_path.iterdir())) == (3 if backbone == 'ResNet' else 0)
    for method, each in inputs.items():
        each.next()
        first, second = each.batch.views
        assert each.batch.samples is images.batch.samples, method
        assert first.shape == second.shape == (4, 3, 16, 16), method
        assert first.dtype == second.dtype == torch.float32, method
        assert not first.equal(second), method
        assert 0.2 < first.std() < 3, method
        assert first.abs().max() < 4, method
        each.next()
        assert not first.equal(each.batch.views[0]), method


def test_only_files_are_blurred(loading, settings, tmp_path, monkeypatch):
    """The small views of all libraries do the same work."""
    built = []
    pictures = loading.Pictures
    monkeypatch.setattr(
        loading, 'Pictures', lambda *args, **given: built.append(given) or pictures(*args, **given)
    )
    for backbone in ('ResNet', 'ResNet_CIFAR'):
        given = settings(backbone)
        loading.mmpretrain(loading.make_pictures(given, tmp_path), given)
    blurred = [
        any('GaussianBlur' in str(transform) for transform in given['pipeline']) for given in built
    ]
    assert blurred == [True, False]
