"""What surrounds a run is checked before it starts."""

import pytest
from mmengine.config import Config

from mmrcl.errors import ConfigError
from mmrcl.launch import build_runner, check_config
from mmrcl.launch.start_checks import check_launcher, check_sections, check_work_dir

from ..runs import tiny_config


def test_a_launcher_must_have_started_the_process(monkeypatch):
    for name in ('RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT'):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match=r'RANK, .* not set, .*tools/dist_train\.sh'):
        check_launcher('pytorch')
    for name in ('RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT'):
        monkeypatch.setenv(name, '1')
    check_launcher('pytorch')
    check_launcher('none')


def test_the_work_dir_must_be_a_folder_that_can_be_written(tmp_path, monkeypatch):
    file = tmp_path / 'notes.txt'
    file.write_text('x')
    for path in (file, file / 'below'):
        with pytest.raises(ConfigError, match='notes.txt is a file: pass a folder'):
            check_work_dir(str(path))
    check_work_dir(str(tmp_path / 'new' / 'folder'))
    assert not (tmp_path / 'new').exists()
    # Root may write anywhere.
    monkeypatch.setattr('os.access', lambda path, mode: False)
    with pytest.raises(ConfigError, match='cannot be written'):
        check_work_dir(str(tmp_path / 'new'))


def test_a_loop_needs_all_of_its_sections():
    config = Config(dict(val_dataloader=dict(batch_size=2)))
    with pytest.raises(ConfigError) as caught:
        check_sections(config)
    assert 'has val_dataloader, but no val_cfg and val_evaluator' in str(caught.value)
    check_sections(Config(dict(val_dataloader=None, val_cfg=None)))


def test_what_every_config_needs_is_named_with_the_remedy():
    with pytest.raises(ConfigError, match="sets no default_scope: add default_scope='mmrcl'"):
        check_config(Config(dict(model=dict())))
    with pytest.raises(ConfigError, match='sets no model: start from one of configs/'):
        check_config(Config(dict(default_scope='mmrcl')))


def test_torchs_conversion_of_norms_is_refused_for_networks_of_timm():
    backbone = dict(type='LibraryBackbone', library='timm', model='test_efficientnet')
    config = Config(dict(default_scope='mmrcl', model=dict(backbone=backbone)))
    check_config(config)
    config.sync_bn = 'torch'
    with pytest.raises(ConfigError, match='sync_bn would drop the activations .*: remove sync_bn'):
        check_config(config)


@pytest.mark.parametrize(
    ('section', 'key', 'close'),
    [('env_cfg', 'cudnn_bench', 'cudnn_benchmark'), ('auto_scale_lr', 'enabled', 'enable')],
)
def test_settings_that_mmengine_would_ignore_are_refused(section, key, close):
    with pytest.raises(ConfigError) as caught:
        check_sections(Config({section: {key: True}}))
    assert f'{section}.{key} is not a setting; did you mean {close}?' in str(caught.value)


WRONG = {
    'optimiser': (
        dict(optim_wrapper__optimizer__type='AdmW'),
        "type='AdmW' is not in the registry of optimizers; did you mean AdamW?",
    ),
    'option of parameters': (
        dict(optim_wrapper__paramwise_cfg=dict(norm_decay=0)),
        'optim_wrapper.paramwise_cfg.norm_decay is not a setting',
    ),
    'schedule': (
        dict(param_scheduler__1__type='CosineAnealingLR'),
        "type='CosineAnealingLR' is not in the registry of parameter schedulers; did you mean "
        'CosineAnnealingLR?',
    ),
    'data set': (
        dict(train_dataloader__dataset__type='Digitz'),
        "type='Digitz' is not in the registry of datasets; did you mean Digits?",
    ),
    'transform': (
        dict(train_dataloader__dataset__pipeline__0__type='Resise'),
        "type='Resise' is not in the registry of transforms; did you mean Resize?",
    ),
    'batch of one': (
        dict(train_dataloader__batch_size=1),
        'has a batch of one image, which batch norm cannot normalise',
    ),
    'last batch of one': (
        dict(train_dataloader__batch_size=191, train_dataloader__drop_last=False),
        'or set train_dataloader.drop_last=True',
    ),
    'few images': (
        dict(train_dataloader__batch_size=193),
        '192 images are fewer than one optimiser step takes, 1 processes x 193 images',
    ),
}


@pytest.mark.parametrize('case', WRONG)
def test_what_the_training_needs_is_built_before_it(case, tmp_path):
    changes, sentence = WRONG[case]
    with pytest.raises(ConfigError) as caught:
        build_runner(tiny_config(tmp_path, **changes), train=True)
    assert sentence in str(caught.value)


def test_a_test_set_of_an_unknown_type_is_found_before_the_test(tmp_path):
    config = tiny_config(tmp_path, test_dataloader__dataset__type='Digitz')
    with pytest.raises(ConfigError, match='did you mean Digits'):
        build_runner(config, test=True)


def test_options_of_no_parameter_are_named(tmp_path, capsys):
    options = dict(custom_keys={'bacbone': dict(lr_mult=0.1), 'bias': dict(decay_mult=0)})
    build_runner(tiny_config(tmp_path, optim_wrapper__paramwise_cfg=options), train=True)
    said = capsys.readouterr().out
    assert 'custom_keys: bacbone is in the name of no parameter' in said


def test_the_console_is_short_and_the_log_file_whole(tmp_path, capsys):
    changes = dict(optim_wrapper__paramwise_cfg=dict(norm_decay_mult=0.0))
    build_runner(tiny_config(tmp_path, **changes), train=True)
    said = capsys.readouterr().out
    [log] = tmp_path.rglob('*.log')
    kept = log.read_text()
    for detail in ('System environment:', 'optim_wrapper = dict(', 'before_train:', 'paramwise_op'):
        assert detail in kept and detail not in said
    assert str(log) in said and 'Global batch 32' in said
    assert len(said.splitlines()) < 10 < 300 < len(kept.splitlines())
