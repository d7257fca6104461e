"""Vision transformers and networks of timm in a whole run, and its checkpoint in the tools."""

import pytest
import torch
from mmengine.model import MMDistributedDataParallel
from torch import distributed

from mmrcl import extract_features, load_encoder
from mmrcl.models import MoCoV3ViT

from ..commands import call
from ..runs import OF_TIMM, VIT, tiny_config, train
from ..test_apis.folders import write_digits
from .children import run_ranks

BACKBONES = dict(
    vit=VIT | dict(model__backbone__out_type='avg_featmap', model__backbone__final_norm=False),
    timm=OF_TIMM,
)


@pytest.mark.slow
@pytest.mark.parametrize('name', BACKBONES)
def test_a_run_clusters_measures_and_ends_in_an_encoder(name, tmp_path):
    source = dict(_delete_=True, type='FirstNeighborSource', mean_sizes=[2.5, 5.0])
    config = tiny_config(
        tmp_path / 'run',
        **BACKBONES[name],
        train_cfg__max_epochs=3,
        default_hooks__clustering__space='encoder',
        default_hooks__clustering__source=source,
    )
    runner = train(config)
    labels = runner.model.hierarchy.level_labels(2)
    assert 1 < len(labels.unique()) < len(labels)
    assert 'knn/top1' in (next((tmp_path / 'run').glob('*/vis_data/scalars.json'))).read_text()
    config.dump(tmp_path / 'config.py')
    checkpoint = tmp_path / 'run/epoch_3.pth'
    scored = call('test.py', tmp_path / 'config.py', checkpoint, '--work-dir', tmp_path / 'score')
    assert scored.returncode == 0, scored.stderr
    encoder = load_encoder(checkpoint, device='cpu')
    found = extract_features(encoder, write_digits(tmp_path / 'digits', 'test', 5))
    assert found.vectors.shape == (5, config.model.neck.in_channels)


def check_two_steps() -> None:
    """As mmengine's runner does it: first wrapped, then initialised."""
    distributed.init_process_group('gloo')
    arch = dict(embed_dims=16, num_layers=1, num_heads=2, feedforward_channels=32)
    backbone = MoCoV3ViT(arch=arch, img_size=16, patch_size=2, in_channels=1)
    wrapped = MMDistributedDataParallel(backbone, broadcast_buffers=False)
    backbone.init_weights()
    for _ in range(2):
        wrapped(torch.randn(2, 1, 16, 16))[0].sum().backward()
    assert backbone.pos_embed.grad is None and backbone.cls_token.grad is not None


@pytest.mark.slow
def test_two_processes_train_a_vision_transformer():
    assert run_ranks(check_two_steps, ranks=2) == [0, 0]
