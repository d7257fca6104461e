"""``--pretrained``: which checkpoint a benchmark starts from, checked before any work."""

import copy

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from mmengine.runner import Runner
from mmengine.runner.checkpoint import CheckpointLoader, _load_checkpoint

from mmrcl.checkpoint import guard_mmengine
from mmrcl.errors import ConfigError, TrainingError
from mmrcl.launch import build_runner, prepare_test, prepare_training
from mmrcl.launch.pretrained import folder_of, use_pretrained

from ..test_checkpoint.hostile import write_hostile

BACKBONE = dict(type='ResNet_CIFAR', depth=18, stem_channels=8, base_channels=8)
CLASSIFIER = Config(
    dict(
        default_scope='mmrcl',
        model=dict(
            type='ImageClassifier',
            backbone=dict(
                BACKBONE, init_cfg=dict(type='mmrcl.StrictPretrained', checkpoint=None)
            ),
            neck=dict(type='GlobalAveragePooling'),
            head=dict(type='LinearClsHead', num_classes=10, in_channels=64),
        ),
        test_dataloader=dict(),
        test_cfg=dict(),
        train_dataloader=dict(),
        train_cfg=dict(),
        optim_wrapper=dict(),
    )
)  # fmt: skip


@pytest.fixture
def config() -> Config:
    return copy.deepcopy(CLASSIFIER)


def save(path, model: dict, prefix: str = '') -> str:
    with DefaultScope.overwrite_default_scope('mmrcl'):
        state = MODELS.build(model).state_dict()
    torch.save(dict(state_dict={prefix + name: state[name] for name in state}), path)
    return str(path)


def test_names_the_checkpoint_of_each_part(config, tmp_path):
    checkpoint = save(tmp_path / 'a.pth', BACKBONE, 'backbone.')
    config.model.other = copy.deepcopy(config.model.backbone)
    prepare_training(config, None, None, False, checkpoint)
    for part in (config.model.backbone, config.model.other):
        assert part.init_cfg == dict(type='mmrcl.StrictPretrained', checkpoint=checkpoint)


def test_random_leaves_the_usual_initialisation(config):
    use_pretrained(config, 'random')
    assert 'init_cfg' not in config.model.backbone


def test_a_run_that_resumes_needs_none(config, tmp_path):
    checkpoint = save(tmp_path / 'epoch_1.pth', config.model)
    prepare_training(config, checkpoint, None, False)
    assert 'init_cfg' not in config.model.backbone


def test_wrong_checkpoints_are_refused(config, tmp_path):
    other = save(tmp_path / 'deep.pth', dict(BACKBONE, depth=34), 'backbone.')
    (tmp_path / 'text.pth').write_text('text')
    for checkpoint, sentence in [
        (None, 'add --pretrained CHECKPOINT, or --pretrained random'),
        ('nowhere.pth', r'checkpoint=nowhere\.pth of mmrcl\.StrictPretrained does not exist: set'),
        (other, 'which the module lacks. Use the backbone that the checkpoint was'),
        (str(tmp_path / 'text.pth'), 'torn or no checkpoint'),
    ]:
        with pytest.raises(ConfigError, match=sentence):
            use_pretrained(copy.deepcopy(config), checkpoint)


def test_a_config_without_such_parts_takes_none(config):
    config.model.backbone.pop('init_cfg')
    with pytest.raises(ConfigError, match='no part of this config starts from a checkpoint'):
        use_pretrained(config, 'random')
    use_pretrained(config, None)


def test_a_classifier_is_not_tested_with_a_head_at_random(config, tmp_path):
    prepare_test(config, save(tmp_path / 'whole.pth', config.model))
    pretraining = save(tmp_path / 'a.pth', BACKBONE, 'backbone.')
    with pytest.raises(ConfigError, match=r'does not hold the model .* it has no head\.fc\.weight'):
        prepare_test(config, pretraining)


def test_a_representation_is_tested_by_its_own_backbone(config, tmp_path):
    config.test_cfg = dict(type='RepresentationTestLoop')
    prepare_test(config, save(tmp_path / 'a.pth', BACKBONE, 'backbone.'))
    with pytest.raises(ConfigError, match=r'does not hold the backbone .* 0 of 100 tensors'):
        prepare_test(config, save(tmp_path / 'b.pth', BACKBONE, 'encoder_q.'))


@pytest.mark.parametrize(
    ('checkpoint', 'folder'),
    [
        (None, ''),
        ('random', 'random'),
        ('epoch_3.pth', 'epoch_3'),
        ('work_dirs/rcl/epoch_3.pth', 'rcl_epoch_3'),
        ('torchvision://resnet50', 'torchvision:_resnet50'),
    ],
)
def test_each_checkpoint_has_its_folder(checkpoint, folder):
    assert folder_of(checkpoint) == folder


def test_checkpoints_run_no_code_unless_trusted(config, tmp_path):
    with DefaultScope.overwrite_default_scope('mmrcl'):
        state = MODELS.build(config.model).state_dict()
    path, mark = tmp_path / 'a.pth', tmp_path / 'mark'
    write_hostile(path, mark, state_dict=state)
    for start in (
        lambda config, trust: use_pretrained(config, str(path), trust),
        lambda config, trust: prepare_training(config, None, None, False, str(path), trust),
        lambda config, trust: prepare_test(config, str(path), trust),
    ):
        with pytest.raises(ConfigError, match=r'holds \w+\.system.*--trust-checkpoint'):
            start(copy.deepcopy(config), False)
        assert not mark.exists()
        start(copy.deepcopy(config), True)
        mark.unlink()


def test_building_a_runner_guards_what_mmengine_reads(config, tmp_path, monkeypatch):
    guard_mmengine(trust=True)
    kept = dict(CheckpointLoader._schemes)
    config.launcher = 'none'
    config.test_evaluator = []
    config.work_dir = str(tmp_path)
    monkeypatch.setattr(Runner, 'from_cfg', lambda config: None)
    hostile = write_hostile(tmp_path / 'a.pth', tmp_path / 'mark')
    build_runner(config)
    with pytest.raises(TrainingError, match='--trust-checkpoint'):
        _load_checkpoint(hostile)
    assert not (tmp_path / 'mark').exists()
    build_runner(config, trust=True)
    assert dict(CheckpointLoader._schemes) == kept
