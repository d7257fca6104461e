"""Checks that pipeline, loop and data preprocessor make the views of an image together."""

from typing import Any

from mmengine.config import Config

from mmrcl.errors import ConfigError

from .config_checks import dicts

_LOOP = 'ResumableTrainLoop'
_ONE_BY_ONE = 'pseudo_collate'  # mmengine's default
_WITHOUT_VIEWS = ('ClsDataPreprocessor', 'SelfSupDataPreprocessor')


def check_views(config: Config) -> None:
    """Reject a training whose views on the device do not fit the rest of the config.

    Raises:
        ConfigError: naming the settings and the remedy.
    """
    preprocessor = config.model.get('data_preprocessor') or config.get('data_preprocessor') or {}
    if _kind(preprocessor) in _WITHOUT_VIEWS and 'views' in preprocessor:
        raise ConfigError(
            f'data_preprocessor.type="{_kind(preprocessor)}" takes no views, which it inherits: '
            'set data_preprocessor=dict(_delete_=True, type=..., mean=..., std=...)'
        )
    if config.get('train_dataloader') is None or _kind(preprocessor) != 'ViewsDataPreprocessor':
        return
    pipeline = 'train_dataloader.dataset.pipeline'
    count = len(preprocessor.get('views') or ())
    for step in dicts(config.train_dataloader):
        if _kind(step) == 'MultiView':
            raise ConfigError(
                f'{pipeline} makes views by MultiView, and data_preprocessor.views makes views of '
                'them again: remove MultiView, or set data_preprocessor=dict(_delete_=True, '
                'type="SelfSupDataPreprocessor", mean=..., std=...)'
            )
        crops = len(step.get('views') or ())
        if _kind(step) == 'RandomResizedCrops' and crops != count:
            raise ConfigError(
                f'RandomResizedCrops of {pipeline} makes {crops} crops, but '
                f'data_preprocessor.views has {count} views: set as many'
            )
    collate = config.train_dataloader.get('collate_fn', dict(type=_ONE_BY_ONE))
    if isinstance(collate, dict) and _kind(collate) == _ONE_BY_ONE:
        raise ConfigError(
            'train_dataloader.collate_fn returns images one by one, and data_preprocessor.views '
            'takes a batch: set train_dataloader.collate_fn=dict(type="default_collate")'
        )
    loop = _kind(config.get('train_cfg') or dict(type=_LOOP))
    if loop != _LOOP:
        raise ConfigError(
            f'train_cfg.type="{loop}" gives images no view_key, by which data_preprocessor.views '
            f'are drawn: set train_cfg=dict(type="{_LOOP}", ...)'
        )


def _kind(node: dict[str, Any]) -> str:
    return str(node.get('type')).rpartition('.')[2]
