"""Views on the device and the rest of a config must fit."""

from pathlib import Path

import pytest
from mmengine.config import Config

from mmrcl.errors import ConfigError
from mmrcl.launch import check_views

from ..runs import tiny_config

IN1K = Path(__file__).parents[2] / 'configs/rcl/rcl_resnet50_8xb512-coslr-200e_in1k.py'
TWICE = [dict(type='MultiView', num_views=[2], transforms=[[]]), dict(type='PackInputs')]


def test_shipped_configs_and_old_pipelines_pass(tmp_path):
    config = tiny_config(tmp_path)
    check_views(config)
    check_views(Config.fromfile(IN1K))
    config.train_dataloader.dataset.pipeline = TWICE
    config.data_preprocessor = dict(type='SelfSupDataPreprocessor')
    config.train_cfg.type = 'EpochBasedTrainLoop'
    check_views(config)


def test_views_of_views_are_refused(tmp_path):
    config = tiny_config(tmp_path, train_dataloader__dataset__pipeline=TWICE)
    with pytest.raises(ConfigError, match='MultiView, and .*again: .*SelfSupDataPreprocessor'):
        check_views(config)


@pytest.mark.parametrize('kind', ['SelfSupDataPreprocessor', 'mmpretrain.ClsDataPreprocessor'])
def test_inherited_views_are_removed_with_their_preprocessor(tmp_path, kind):
    config = tiny_config(tmp_path, data_preprocessor__type=kind)
    with pytest.raises(ConfigError, match='"[a-zA-Z]+" takes no views.*_delete_=True'):
        check_views(config)


def test_every_view_has_a_crop():
    config = Config.fromfile(IN1K)
    config.data_preprocessor.views.append([])
    with pytest.raises(ConfigError, match='makes 2 crops, but data_preprocessor.views has 3'):
        check_views(config)


def test_views_need_images_in_one_batch(tmp_path):
    config = tiny_config(tmp_path)
    del config.train_dataloader.collate_fn
    with pytest.raises(ConfigError, match='train_dataloader.collate_fn .*one by one.*default_coll'):
        check_views(config)


def test_views_need_the_loop_that_names_their_images(tmp_path):
    config = tiny_config(tmp_path)
    config.train_cfg.type = 'mmengine.EpochBasedTrainLoop'
    with pytest.raises(ConfigError, match='"EpochBasedTrainLoop" gives .* no view_key.*Resumable'):
        check_views(config)
