# The methods that the paper compares with, and RCL, on the first 3,000 training images of
# Fashion-MNIST: the network and epochs of results_fashion-mnist, all augmentations of Fig. 5c. All
# else is as in the configs for digits, queues and numbers of clusters too.
_base_ = [
    '_base_/methods.py',
    '_base_/fashion-mnist_views.py',
    '../_base_/datasets/infomin_gray.py',
]

title = 'Methods on Fashion-MNIST'
label_draws = 5
_plain = dict(
    _delete_=True,
    type='FashionMNIST',
    data_root='data/fashion_mnist',
    split='train',
    download=True,
    indices=3000,
    pipeline=[dict(type='PackInputs')],
)
_train = dict(
    _plain, pipeline=[dict(type='Collect', keys=['img', 'sample_idx']), *_plain['pipeline']]
)
_test = dict(_plain, split='test', test_mode=True, indices=None)
_small_view = [dict(_base_._crop, scale=14, crop_ratio_range=(0.1, 0.4)), *_base_._views['no crop']]
_data = {
    'data_preprocessor.mean': [72.94],
    'data_preprocessor.std': [90.02],
    'train_dataloader.dataset': _train,
    'test_dataloader.dataset': _test,
    'test_cfg.train_dataloader.dataset': _plain,
}
_backbone = dict(
    _delete_=True,
    type='ResNet',
    depth=18,
    in_channels=1,
    stem_channels=16,
    base_channels=16,
    num_stages=3,
    strides=(1, 2, 2),
    dilations=(1, 1, 1),
    out_indices=(2,),
    norm_cfg=dict(type='BN'),
)
_half = {key: value for key, value in _backbone.items() if key != '_delete_'} | {'base_channels': 8}
_network = {'model.backbone': _backbone, 'model.neck.in_channels': 64}
# Pooling is the whole neck of these.
_pooled = {'model.backbone': _backbone, 'model.head.in_channels': 64}
_networks = {
    'cmc': {
        'model.backbone.encoders': [_half, _half],
        'model.neck.in_channels': 32,
    },
    'pirl': {**_network, 'model.patch_neck.in_channels': 64},
    'deepcluster': _pooled,
    'selflabel': _pooled,
    'cpcv2': {**_pooled, 'model.backbone': dict(_backbone, norm_cfg=dict(type='GN', num_groups=1))},
}

_all = _base_._views['all']
# Nine patches of 9 x 9 pixels, each from a cell of 10 x 10.
_patches = [dict(_base_._crop, scale=30, crop_ratio_range=(0.6, 1.0)), *_base_._views['no crop']]
_small_view = [dict(_base_._crop, scale=14, crop_ratio_range=(0.1, 0.4)), *_base_._views['no crop']]
_views = {
    **{method: [_all] for method in ('instdisc', 'cmc', 'odc', 'localagg', 'deepcluster')},
    'selflabel': [_all],
    'pirl': [_all, [*_patches, dict(type='BatchJigsaw', grid=3, patch=9)]],
    'msf': [_all, _base_._views['crop only']],
    'swav': [_all] * 2 + [_small_view] * 4,
    'cpcv2': [
        [dict(type='BatchPatch', top=top, left=left, scale=14), dict(_base_._crop, scale=14)]
        + _base_._views['no crop']
        for top in (0, 7, 14)
        for left in (0, 7, 14)
    ],
}
_clustered = {'default_hooks.clustering.dataloader.dataset': _plain}
_bank = {'model.bank.length': 3000}
# Prototypes stay fixed for the first epoch, of 23 steps.
_swav = dict(
    type='SwAVHook',
    priority='VERY_HIGH',
    batch_size=128,
    feat_dim=64,
    queue_length=0,
    frozen_layers_cfg=dict(prototypes=23),
)
_infomin_view = [
    dict(each, scale=28) if each['type'] == 'RandomResizedCrop' else each
    for each in _base_._infomin_view
] + [dict(type='RandomFlip', prob=0.5)]
_infomin = dict(type='MultiView', num_views=[2], transforms=[_infomin_view])
_further = {
    'infomin': {'train_dataloader.dataset.pipeline': [_infomin, *_train['pipeline']]},
    **{method: {'custom_hooks': [_swav]} for method in ('swav', 'swav-single')},
    **{method: _bank for method in ('instdisc', 'cmc', 'pirl')},
    **{method: _clustered for method in ('pcl', 'rcl', 'rcl-images', 'odc', 'localagg')},
    **{method: _clustered for method in ('deepcluster', 'selflabel')},
}


def _arm(method):
    arm = _base_.arms[method]
    options = {
        **arm['options'],
        **_data,
        **(
            {}
            if method == 'infomin'
            else {'data_preprocessor.views': _views.get(method, [_all] * 2)}
        ),
        **_networks.get(method, _network),
        **_further.get(method, {}),
    }
    return dict(arm, options=options)


arms = {method: _arm(method) for method in _base_.arms}
