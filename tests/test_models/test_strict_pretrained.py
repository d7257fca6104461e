import pytest
import torch
from mmengine.model import BaseModule, ModuleList
from mmengine.registry import MODELS, DefaultScope
from torch import nn

from mmrcl.models import StrictPretrained

TINY_RESNET = dict(type='ResNet_CIFAR', depth=18, stem_channels=8, base_channels=8)
VIT = dict(type='VisionTransformer', arch='deit-tiny', img_size=32, patch_size=16)
# Backbones with the networks that their checkpoints come from.
BACKBONES = dict(
    # These initialise something after their own init_weights, unless they start from a checkpoint.
    resnet=(dict(TINY_RESNET, zero_init_residual=True), TINY_RESNET),
    vit=(VIT, VIT),
    first_stages=(
        dict(TINY_RESNET, num_stages=3, strides=(1, 2, 2), dilations=(1, 1, 1), out_indices=(2,)),
        TINY_RESNET,
    ),
)


def build(cfg: dict, **init_cfg) -> nn.Module:
    if init_cfg:
        cfg = dict(cfg, init_cfg=dict(type='mmrcl.StrictPretrained', **init_cfg))
    with DefaultScope.overwrite_default_scope('mmrcl'):
        return MODELS.build(cfg)


def randomised(module: nn.Module) -> dict[str, torch.Tensor]:
    return {
        name: torch.randn_like(tensor) if tensor.is_floating_point() else tensor
        for name, tensor in module.state_dict().items()
    }


def save(path, cfg: dict, prefix: str = 'backbone.') -> dict[str, torch.Tensor]:
    state = randomised(build(cfg))
    named = {prefix + name: tensor for name, tensor in state.items()}
    named['momentum_encoder.module.0.conv1.weight'] = torch.zeros(1)
    torch.save(dict(state_dict=named, meta={}), path)
    return state


@pytest.mark.parametrize('name', BACKBONES)
@pytest.mark.parametrize('times', [1, 2])
def test_what_was_loaded_stays(tmp_path, name, times):
    backbone, pretrained = BACKBONES[name]
    state = save(tmp_path / 'a.pth', pretrained)
    init_cfg = dict(type='mmrcl.StrictPretrained', checkpoint=str(tmp_path / 'a.pth'))
    classifier = build(dict(type='ImageClassifier', backbone=dict(backbone, init_cfg=init_cfg)))
    for _ in range(times):
        classifier.init_weights()
    for key, tensor in classifier.backbone.state_dict().items():
        assert torch.equal(tensor, state[key]), key


def test_loads_into_a_part_and_initialises_what_is_new(tmp_path):
    class Extended(BaseModule):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.layer4 = build(TINY_RESNET).layer4
            self.norm = ModuleList([nn.BatchNorm2d(64)], init_cfg=dict(
                type='Constant', val=3.0, layer='BatchNorm2d'
            ))  # fmt: skip

    state = save(tmp_path / 'a.pth', TINY_RESNET)
    init_cfg = dict(
        type='mmrcl.StrictPretrained', checkpoint=str(tmp_path / 'a.pth'), new_parts=('norm',)
    )
    module = Extended(init_cfg=init_cfg)
    module.init_weights()
    assert torch.equal(module.layer4[0].conv1.weight, state['layer4.0.conv1.weight'])
    assert (module.norm[0].weight == 3).all()

    without = Extended(init_cfg=dict(init_cfg, new_parts=()))
    with pytest.raises(ValueError, match='it has no norm.0.weight'):
        without.init_weights()


@pytest.mark.parametrize(
    ('content', 'init_cfg', 'sentence'),
    [
        (None, dict(checkpoint=None), '--pretrained'),
        (dict(TINY_RESNET, depth=34), dict(), 'layer1.2.conv1.weight, which the module lacks'),
        (dict(TINY_RESNET, base_channels=16), dict(), r'of shape \(16, .*not \(8, '),
        (VIT, dict(), '0 of 100 tensors'),
        (TINY_RESNET, dict(prefix='encoder.'), '0 of 100 tensors'),
        (TINY_RESNET, dict(new_parts=('extra',)), r"new_parts=\['extra'\] are not in"),
    ],
)
def test_fails_with_a_sentence(tmp_path, content, init_cfg, sentence):
    if content is not None:
        save(tmp_path / 'a.pth', content)
        init_cfg = dict(checkpoint=str(tmp_path / 'a.pth'), **init_cfg)
    module = build(TINY_RESNET, **init_cfg)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    with pytest.raises(ValueError, match=sentence):
        module.init_weights()
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())


def test_match_alone_changes_nothing(tmp_path):
    state = save(tmp_path / 'a.pth', TINY_RESNET)
    module = build(TINY_RESNET)
    match = StrictPretrained(str(tmp_path / 'a.pth')).match(module)
    assert match.tensors.keys() == module.state_dict().keys()
    assert match.coverage == "120 of 120 tensors (100.0 %), named 'backbone.'..."
    assert not torch.equal(module.conv1.weight, state['conv1.weight'])
