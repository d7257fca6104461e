# The methods that the paper compares with, and RCL, on the first 3,000 training images of
# Fashion-MNIST: the network and epochs of results_fashion-mnist, all augmentations of Fig. 5c. All
# else is as in the configs for digits, queues and numbers of clusters too. Not run by us.
_base_ = ['_base_/methods.py', '_base_/fashion-mnist_views.py']

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
_network = {
    'model.backbone': dict(
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
    ),
    'model.neck.in_channels': 64,
}
_views = {
    'msf': [_base_._views['all'], _base_._views['crop only']],
    'swav': [_base_._views['all']] * 2 + [_small_view] * 4,
}
_clustered = {'default_hooks.clustering.dataloader.dataset': _plain}
_further = {
    # An epoch has 23 steps.
    'swav': {
        'custom_hooks': [
            dict(
                type='SwAVHook',
                priority='VERY_HIGH',
                batch_size=128,
                feat_dim=64,
                queue_length=0,
                frozen_layers_cfg=dict(prototypes=23),
            )
        ]
    },
    **{method: _clustered for method in ('pcl', 'rcl', 'rcl-images')},
}


def _arm(method):
    arm = _base_.arms[method]
    views = _views.get(method, [_base_._views['all']] * 2)
    options = {
        **arm['options'],
        **_data,
        **_network,
        'data_preprocessor.views': views,
        **_further.get(method, {}),
    }
    return dict(arm, options=options)


arms = {method: _arm(method) for method in _base_.arms}
