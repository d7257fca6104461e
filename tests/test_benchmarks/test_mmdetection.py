"""Detection on mmdet: the configs build, hold the recipe, train and score."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmengine.visualization import Visualizer
from mmpretrain.models import ResNet
from mmpretrain.models.utils import ResLayerExtraNorm
from torch import nn

from mmrcl.launch.pretrained import use_pretrained

pytest.importorskip('mmdet')

from mmdet.registry import DATA_SAMPLERS, DATASETS, HOOKS, METRICS, MODELS, TRANSFORMS  # noqa: E402
from mmdet.utils import register_all_modules  # noqa: E402

register_all_modules(init_default_scope=False)

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / 'configs/benchmarks/mmdetection'
CONFIGS = sorted(FOLDER.glob('*.py'))
R50 = [path for path in CONFIGS if 'resnet50' in path.stem]
ITERATIONS = 20
C4 = [path for path in R50 if '-c4_' in path.stem]


def by_name(path: Path) -> str:
    return path.stem


def load(path: Path) -> Config:
    return Config.fromfile(path)


def build_model(config: Config) -> nn.Module:
    with DefaultScope.overwrite_default_scope('mmdet'):
        return MODELS.build(config.model)


@pytest.mark.slow
@pytest.mark.parametrize('path', CONFIGS, ids=by_name)
def test_parts_of_a_config_build(path):
    config = load(path)
    assert config.default_scope == 'mmdet'
    with DefaultScope.overwrite_default_scope('mmdet'):
        MODELS.build(config.model)
        Visualizer.get_instance('test')
        for hook in config.default_hooks.values():
            HOOKS.build(hook)
        for loader in (config.train_dataloader, config.val_dataloader):
            assert DATA_SAMPLERS.get(loader.sampler.type)
            for dataset in loader.dataset.get('datasets', [loader.dataset]):
                DATASETS.build(dict(dataset, lazy_init=True))
                for transform in dataset.pipeline:
                    TRANSFORMS.build(transform)
        METRICS.build({k: v for k, v in config.val_evaluator.items() if k != 'ann_file'})


@pytest.mark.parametrize('path', CONFIGS, ids=by_name)
def test_the_encoder_starts_from_the_checkpoint_alone(path):
    config = load(path)
    starts = [config.model.backbone]
    if 'shared_head' in config.model.roi_head:
        starts.append(config.model.roi_head.shared_head)
        assert starts[1].init_cfg.new_parts == ('norm',)
    for part in starts:
        assert part.init_cfg.type == 'mmrcl.StrictPretrained'
        assert part.init_cfg.checkpoint is None


@pytest.mark.parametrize('path', R50, ids=by_name)
def test_encoder_of_imagenet_is_fine_tuned_whole_as_torch_has_it(path):
    config = load(path)
    assert config.model.data_preprocessor.bgr_to_rgb
    assert config.model.data_preprocessor.mean == [123.675, 116.28, 103.53]
    assert config.model.data_preprocessor.std == [58.395, 57.12, 57.375]
    model = build_model(config).train()
    layers = dict(model.named_modules())
    # The stride lies in the 3 x 3 convolution.
    assert layers['backbone.layer2.0.conv1'].stride == (1, 1)
    assert layers['backbone.layer2.0.conv2'].stride == (2, 2)
    assert all(parameter.requires_grad for parameter in model.parameters())
    norms = [
        layer for layer in layers.values() if isinstance(layer, nn.modules.batchnorm._NormBase)
    ]
    assert all(isinstance(norm, nn.SyncBatchNorm) for norm in norms)
    assert all(norm.training and norm.track_running_stats for norm in norms)


@pytest.mark.parametrize('path', R50, ids=by_name)
def test_optimiser_is_sgd_for_16_images_without_decay_of_norms(path):
    config = load(path)
    assert '_8xb2-' in path.stem
    assert config.train_dataloader.batch_size == 2
    assert config.auto_scale_lr.base_batch_size == 16
    optimizer = config.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr, optimizer.momentum) == ('SGD', 0.02, 0.9)
    assert optimizer.weight_decay == 1e-4
    assert config.optim_wrapper.paramwise_cfg.norm_decay_mult == 0


@pytest.mark.parametrize(
    ('suffix', 'warmup', 'steps', 'end'),
    [('1x_coco', 1000, [8, 11], 12), ('2x_coco', 1000, [16, 22], 24),
     ('24k_voc0712', 100, [18000, 22000], 24000)],
)  # fmt: skip
def test_schedule(suffix, warmup, steps, end):
    paths = [path for path in R50 if path.stem.endswith(suffix)]
    assert len(paths) == (1 if 'voc' in suffix else 2)
    for config in map(load, paths):
        linear, multi_step = config.param_scheduler
        assert (linear.start_factor, linear.by_epoch, linear.end) == (0.001, False, warmup)
        assert (multi_step.milestones, multi_step.gamma) == (steps, 0.1)
        assert multi_step.end == config.train_cfg.get(
            'max_epochs', config.train_cfg.get('max_iters')
        )
        assert multi_step.end == end
        assert multi_step.get('by_epoch', True) == ('max_epochs' in config.train_cfg)


@pytest.mark.parametrize('path', R50, ids=by_name)
def test_images_are_scaled_as_in_the_benchmark(path):
    config = load(path)
    smallest = 640 if 'coco' in path.stem else 480
    dataset = config.train_dataloader.dataset
    for part in dataset.get('datasets', [dataset]):
        (resize,) = [step for step in part.pipeline if step.type == 'RandomChoiceResize']
        assert list(resize.scales) == [(1333, side) for side in range(smallest, 801, 32)]
    assert config.val_dataloader.dataset.pipeline[1].scale == (1333, 800)


def test_voc_is_scored_from_50_to_95_by_the_measure_of_2007():
    (path,) = [path for path in R50 if 'voc' in path.stem]
    config = load(path)
    assert config.val_evaluator.iou_thrs == [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]
    assert config.val_evaluator.eval_mode == '11points'
    years = [part.data_prefix.sub_data_root for part in config.train_dataloader.dataset.datasets]
    assert years == ['VOC2007/', 'VOC2012/']


@pytest.mark.parametrize('path', [path for path in R50 if 'fpn' in path.stem], ids=by_name)
def test_heads_of_fpn_have_convolutions_with_norms(path):
    model = build_model(load(path))
    box_head = model.roi_head.bbox_head
    assert (len(box_head.shared_convs), len(box_head.shared_fcs)) == (4, 1)
    for part in (model.neck, box_head.shared_convs, model.roi_head.mask_head.convs):
        convolutions = [layer for layer in part.modules() if isinstance(layer, nn.Conv2d)]
        norms = [layer for layer in part.modules() if isinstance(layer, nn.SyncBatchNorm)]
        assert len(convolutions) == len(norms) > 0


@pytest.mark.parametrize('path', C4, ids=by_name)
def test_c4_reads_res4_and_the_extra_norm_comes_after_res5(path):
    model = build_model(load(path))
    assert [name for name, _ in model.backbone.named_children() if 'layer' in name] == [
        'layer1', 'layer2', 'layer3',
    ]  # fmt: skip
    head = model.roi_head.shared_head
    assert isinstance(head, ResLayerExtraNorm)
    assert head.norm.num_features == 2048
    assert model.rpn_head.prior_generator.num_base_priors == [15]


def test_extra_norm_normalises_the_stage_by_the_batch_and_learns():
    torch.manual_seed(0)
    config = load(C4[0]).model.roi_head.shared_head
    config.update(depth=18, norm_cfg=dict(type='BN'), init_cfg=None)
    with DefaultScope.overwrite_default_scope('mmdet'):
        head = MODELS.build(config)
    head.train()
    inputs = 3 * torch.rand(4, 256, 6, 6) + 1
    stage = head.layer4(inputs)
    mean, variance = stage.mean((0, 2, 3)), stage.var((0, 2, 3), unbiased=False)
    expected = (stage - mean[:, None, None]) / (variance[:, None, None] + 1e-5).sqrt()
    outputs = head(inputs)
    assert outputs.shape == (4, 512, 3, 3)
    assert torch.allclose(outputs, expected, atol=1e-5)
    # The second pass moved the running mean by its momentum of 0.1, from 0.
    assert torch.allclose(head.norm.running_mean, 0.1 * mean, atol=1e-6)
    (outputs * torch.randn_like(outputs)).sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in head.norm.parameters())


def randomise(encoder: nn.Module) -> nn.Module:
    """Values as after some training, those of the norms included."""
    for layer in encoder.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for tensor in (layer.weight.data, layer.running_var):
                nn.init.uniform_(tensor, 0.5, 1.5)
            for tensor in (layer.bias.data, layer.running_mean):
                nn.init.normal_(tensor, std=0.1)
    encoder.eval()
    return encoder


@pytest.fixture(scope='module')
def pretrained(tmp_path_factory):
    """A ResNet-50 of mmpretrain and a checkpoint as the pretraining writes it."""
    torch.manual_seed(0)
    encoder = randomise(ResNet(depth=50, out_indices=(0, 1, 2, 3)))
    path = tmp_path_factory.mktemp('pretrained') / 'epoch_1.pth'
    state = {f'backbone.{name}': tensor for name, tensor in encoder.state_dict().items()}
    target = {f'encoder_k.module.0.{name}': 2 * tensor for name, tensor in state.items()}
    torch.save(dict(state_dict={**state, **target}, meta={}), path)
    return encoder, path


def load_pretrained(path: Path, checkpoint: Path) -> Config:
    config = load(path)
    use_pretrained(config, str(checkpoint))
    return config


@pytest.mark.slow
@torch.no_grad()
def test_fpn_starts_from_what_the_pretraining_computes(pretrained):
    encoder, checkpoint = pretrained
    path = FOLDER / 'mask-rcnn_resnet50_fpn_8xb2-ms-1x_coco.py'
    model = build_model(load_pretrained(path, checkpoint))
    model.init_weights()
    images = torch.randn(2, 3, 64, 64)
    outputs = revert_sync_batchnorm(model).eval().backbone(images)
    for output, expected in zip(outputs, encoder(images), strict=True):
        assert torch.allclose(output, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.slow
@torch.no_grad()
def test_c4_starts_from_what_the_pretraining_computes(pretrained):
    encoder, checkpoint = pretrained
    model = build_model(load_pretrained(C4[0], checkpoint))
    model.init_weights()
    head = model.roi_head.shared_head
    assert torch.equal(head.norm.weight, torch.ones(2048))
    images = torch.randn(2, 3, 64, 64)
    model = revert_sync_batchnorm(model).eval()
    (res4,) = model.backbone(images)
    expected = encoder(images)
    assert torch.allclose(res4, expected[2], atol=1e-5, rtol=1e-5)
    assert torch.allclose(head.layer4(res4), expected[3], atol=1e-5, rtol=1e-5)


@pytest.fixture(scope='module')
def canvases(tmp_path_factory):
    """A small set by tools/data/digit_canvases.py."""
    folder = tmp_path_factory.mktemp('canvases')
    tool = ROOT / 'tools/data/digit_canvases.py'
    spec = importlib.util.spec_from_file_location('digit_canvases', tool)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', ['', str(folder), '--train', '6', '--val', '3'])
        module.main()
    return folder


def on_canvases(path: Path, checkpoint: Path, canvases: Path, work_dir: Path) -> Config:
    """A config for ImageNet's encoder with digit canvases as its data, cut down to seconds."""
    config = load_pretrained(path, checkpoint)
    data = load(next(path for path in CONFIGS if 'digit-canvases' in path.stem))
    for name, split in (('train_dataloader', 'train'), ('val_dataloader', 'val')):
        config[name] = data[name]
        config[name].dataset.update(data_root=str(canvases))
        config[name].dataset.pipeline[0].color_type = 'color'
        config[name].batch_size = 2
        assert config[name].dataset.ann_file == f'annotations/{split}.json'
    config.train_dataloader.sampler.type = 'InfiniteSampler'
    annotations = str(canvases / data.val_dataloader.dataset.ann_file)
    config.val_evaluator = dict(data.val_evaluator, ann_file=annotations)
    for name in ('test_dataloader', 'test_cfg', 'test_evaluator'):
        config.pop(name)
    config.train_cfg = dict(
        type='IterBasedTrainLoop', max_iters=ITERATIONS, val_interval=ITERATIONS
    )
    config.param_scheduler = []
    # By chance no box of few iterations is of the largest scale, whose norm then stays.
    config.randomness = dict(seed=0)
    config.optim_wrapper.optimizer.lr = 0.001
    config.default_hooks.checkpoint.update(by_epoch=False, interval=ITERATIONS)
    config.log_processor.by_epoch = False
    few_boxes(config.model)
    config.work_dir, config.launcher = str(work_dir), 'none'
    config.experiment_name = f'{path.stem}_{work_dir.name}'
    return config


def few_boxes(model: Any) -> None:
    for head in (model.roi_head.bbox_head, model.roi_head.mask_head):
        head.num_classes = 10
    model.train_cfg.rcnn.sampler.num = 4
    model.train_cfg.rpn_proposal.update(nms_pre=50, max_per_img=20)
    model.test_cfg.rpn.update(nms_pre=50, max_per_img=5)
    # Whatever is found is scored, however unsure.
    model.test_cfg.rcnn.score_thr = -1.0


@pytest.mark.slow
@pytest.mark.parametrize('stem', ['mask-rcnn_resnet50_fpn', 'mask-rcnn_resnet50-c4'])
def test_mask_rcnn_trains_and_is_scored_by_coco(stem, pretrained, canvases, tmp_path):
    path = FOLDER / f'{stem}_8xb2-ms-1x_coco.py'
    config = on_canvases(path, pretrained[1], canvases, tmp_path)
    runner = Runner.from_cfg(config)
    before = {name: value.clone() for name, value in runner.model.state_dict().items()}
    model = runner.train()
    assert runner.iter == ITERATIONS
    after = model.state_dict()
    assert all(value.isfinite().all() for value in after.values())
    # Every norm has seen every batch, none runs on kept statistics.
    seen = {
        name: int(value) for name, value in after.items() if name.endswith('num_batches_tracked')
    }
    assert set(seen.values()) == {ITERATIONS}
    assert ('roi_head.shared_head.norm.num_batches_tracked' in seen) == ('c4' in stem)
    kept = [name for name, value in model.named_parameters() if torch.equal(before[name], value)]
    assert not kept
    scores = {
        name: runner.message_hub.get_scalar(name).current()
        for name in runner.message_hub.log_scalars
        if 'coco' in name
    }
    for name in ('bbox_mAP', 'segm_mAP', 'bbox_mAP_50', 'segm_mAP_50'):
        assert 0 <= scores[f'val/coco/{name}'] <= 1
