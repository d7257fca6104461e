"""The complete config of the choices."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmrcl.launch import read_config
from mmrcl.models import backbone_config
from mmrcl.zoo import mim_folder

from .choices import Choices
from .folder import FolderFacts
from .request import Request

__all__ = ['build_config']

# Of the projections; hidden layers are as wide as the encoder's output, if it is wider.
KEYS, HIDDEN = 128, 512
IMAGENET = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])


def build_config(
    folder: FolderFacts, request: Request, choices: Choices, labels: Path
) -> dict[str, Any]:
    """Return the complete config as nested dicts and lists.

    Args:
        folder: what is in the folder.
        request: what the user asked for.
        choices: from :func:`~mmrcl.apis.pretraining.choices.choose`.
        labels: folder of the files of :func:`~mmrcl.apis.pretraining.labels.write_split`, used if
            there are labels.
    """
    value = {name: choice.value for name, choice in choices.items()}
    images = dict(type='ImageFolder', data_root=folder.root)
    size = value['image size']
    train = _loader(value, dict(images, pipeline=_train_pipeline(size)), shuffle=True)
    plain = _loader(value, dict(images, pipeline=_plain_pipeline(size)), shuffle=False)
    config: dict[str, Any] = dict(
        model=_model(value, request),
        data_preprocessor=dict(
            type='ViewsDataPreprocessor', **IMAGENET, to_rgb=True, views=_views(value['views'])
        ),
        train_dataloader=train,
        plain_train_dataloader=plain,
    )
    scored = {}
    if folder.classes is not None:
        scored = _labelled_loaders(value, folder.root, labels)
        config |= dict(
            test_dataloader=scored['test_dataloader'],
            test_cfg=dict(
                type='RepresentationTestLoop', train_dataloader=scored['train_dataloader']
            ),
            test_evaluator=[],
        )
    runtime = read_config(str(mim_folder() / 'configs/_base_/default_runtime.py'))
    runtime.merge_from_dict(dict(default_hooks=_hooks(value, folder, plain, scored)))
    return config | _schedule(value) | runtime._cfg_dict.to_dict()


def _model(value: Mapping[str, Any], request: Request) -> dict[str, Any]:
    chosen = backbone_config(request.model, value['image size'])
    backbone = dict(chosen.backbone)
    if request.init is not None:
        backbone['init_cfg'] = dict(type='mmrcl.StrictPretrained', checkpoint=request.init)
    levels = len(value['clusters']) + 1 if request.method == 'rcl' else 1
    model = dict(
        type='RCL',
        base_momentum=value['momentum'],
        backbone=backbone,
        neck=dict(
            type='NonLinearNeck',
            in_channels=chosen.out_channels,
            hid_channels=max(HIDDEN, chosen.out_channels),
            out_channels=KEYS,
            num_layers=2,
            with_bias=False,
            with_last_bn=True,
            with_avg_pool=chosen.with_avg_pool,
            norm_cfg=dict(type='SyncBN'),
        ),
        head=dict(
            type='RCLHead',
            predictor=dict(
                type='MultiPredictorNeck',
                in_channels=KEYS,
                hid_channels=HIDDEN,
                out_channels=KEYS,
                num_predictors=levels,
                norm_cfg=dict(type='SyncBN'),
            ),
            loss=dict(type='RelativeContrastiveLoss', temperature=0.1, negative_pairs='ignore'),
        ),
        queue=dict(type='SupportQueue', length=value['queue'], feat_dim=KEYS),
        retrievers=_retrievers(request.method),
    )
    if request.method == 'rcl':
        model['hierarchy'] = dict(
            type='LabelHierarchy', num_levels=levels, feat_dim=KEYS, bank_momentum=0.8
        )
    return model


def _retrievers(method: str) -> list[dict[str, str]]:
    if method == 'nnclr-positive':
        return [dict(type='NearestRetriever')]
    same_image = dict(type='SameImageRetriever')
    if method == 'instance-discrimination':
        return [same_image]
    return [same_image, dict(type='LevelRetriever', select='random')]


def _views(words: str) -> list[list[dict[str, Any]]]:
    """Return the transforms of both views; crops are made by the workers."""
    transforms = {
        'flip': dict(type='BatchFlip', prob=0.5),
        'brightness': dict(type='BatchBrightness', strength=0.4, prob=0.8),
        'colours': dict(
            type='BatchColorJitter', brightness=0.4, contrast=0.4, saturation=0.2, hue=0.1, prob=0.8
        ),
        'grey': dict(type='BatchGrayscale', prob=0.2),
    }
    named = words.split(', ')
    view = [transform for word, transform in transforms.items() if word in named]
    if 'blur' not in named:
        return [view, view]
    blur = dict(type='BatchGaussianBlur', sigma_range=[0.1, 2.0])
    solarize = dict(type='BatchSolarize', thr=128, prob=0.2)
    return [[*view, blur | dict(prob=1.0)], [*view, blur | dict(prob=0.1), solarize]]


def _train_pipeline(size: int) -> list[dict[str, Any]]:
    crop = dict(scale=size, crop_ratio_range=[0.2, 1.0], interpolation='bicubic')
    return [
        dict(type='RandomResizedCrops', views=[crop, crop]),
        dict(type='Collect', keys=['img', 'img_path', 'sample_idx']),
        dict(type='PackInputs'),
    ]


def _plain_pipeline(size: int) -> list[dict[str, Any]]:
    resize = dict(edge='short', interpolation='bicubic', backend='pillow')
    return [
        dict(type='LoadImageFromFile', imdecode_backend='pillow'),
        dict(type='ResizeEdge', scale=round(size * 256 / 224), **resize),
        dict(type='CenterCrop', crop_size=size),
        dict(type='PackInputs'),
    ]


def _loader(value: Mapping[str, Any], dataset: dict[str, Any], shuffle: bool) -> dict[str, Any]:
    loader = dict(
        batch_size=value['batch size'],
        num_workers=value['workers'],
        pin_memory=value['precision'] == 'bfloat16',
        sampler=dict(type='DefaultSampler', shuffle=shuffle),
        collate_fn=dict(type='default_collate'),
        dataset=dataset,
    )
    return loader | dict(drop_last=True) if shuffle else loader


def _labelled_loaders(value: Mapping[str, Any], root: str, labels: Path) -> dict[str, Any]:
    pipeline = _plain_pipeline(value['image size'])

    def loader(name: str) -> dict[str, Any]:
        dataset = dict(
            type='CustomDataset',
            data_root=root,
            ann_file=str(labels / f'{name}.txt'),
            classes=str(labels / 'classes.txt'),
            pipeline=pipeline,
        )
        return _loader(value, dataset, shuffle=False)

    return dict(train_dataloader=loader('gallery'), test_dataloader=loader('queries'))


def _hooks(
    value: Mapping[str, Any], folder: FolderFacts, plain: dict[str, Any], scored: dict[str, Any]
) -> dict[str, Any]:
    steps = len(folder.files) // value['batch size']
    hooks: dict[str, Any] = dict(
        logger=dict(interval=min(steps, 100)),
        checkpoint=dict(interval=value['checkpoints']),
        collapse=dict(
            type='CollapseHook', dataloader=plain, interval=value['checkpoints'], num_samples=1024
        ),
        channels_last=dict(type='ChannelsLastHook'),
        pair_monitor=dict(type='PairMonitorHook'),
    )
    if 'clusters' in value:
        hooks['clustering'] = dict(
            type='HierarchicalClusteringHook',
            dataloader=plain,
            source=dict(type='FirstNeighborSource', mean_sizes=value['clusters']),
            warmup_epochs=value['first clusters'],
            recluster_interval=value['clusters anew'],
        )
        hooks['hierarchy_monitor'] = dict(type='HierarchyMonitorHook')
    if scored:
        hooks['knn'] = dict(type='KNNHook', interval=value['kNN'], **scored)
    return hooks


def _schedule(value: Mapping[str, Any]) -> dict[str, Any]:
    epochs, warm_up = value['epochs'], value['warm-up']
    rising = dict(type='LinearLR', start_factor=0.01, begin=0, end=warm_up)
    falling = dict(type='CosineAnnealingLR', T_max=epochs - warm_up, begin=warm_up, end=epochs)
    by_epoch = dict(by_epoch=True, convert_to_iter_based=True)
    return dict(
        optim_wrapper=dict(
            type='BFloat16OptimWrapper' if value['precision'] == 'bfloat16' else 'OptimWrapper',
            optimizer=dict(
                type='AdamW', lr=value['learning rate'], weight_decay=value['weight decay']
            ),
        ),
        auto_scale_lr=dict(base_batch_size=value['batch size']),
        param_scheduler=[one | by_epoch for one in ([rising] if warm_up else []) + [falling]],
        train_cfg=dict(type='ResumableTrainLoop', max_epochs=epochs),
    )
