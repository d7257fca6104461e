# Fig. 5c, augmentations removed, on Fashion-MNIST. A crop and a flip, which RCL's config has, are
# only a part of the full set here, so that there is something to remove.
title = 'Fig. 5c on Fashion-MNIST: augmentations removed'
seeds = [0, 1, 2]
draw = 'difference'
_configs = {
    'RCL': '_base_/rcl_resnet18-small_1xb128-coslr-30e_fashion-mnist.py',
    'own view': '_base_/own-view_resnet18-small_1xb128-coslr-30e_fashion-mnist.py',
}
_crop = dict(type='RandomResizedCrop', scale=28, crop_ratio_range=(0.3, 1.0))
_flip = dict(type='RandomFlip', prob=0.5)
_jitter = [
    dict(type='Brightness', magnitude_range=(0, 0.4), magnitude_std='inf', prob=0.8),
    dict(type='Contrast', magnitude_range=(0, 0.4), magnitude_std='inf', prob=0.8),
]
_blur = dict(type='GaussianBlur', magnitude_range=(0.1, 1.5), magnitude_std='inf', prob=0.5)
_views = {
    'all': [_crop, _flip, *_jitter, _blur],
    'no blur': [_crop, _flip, *_jitter],
    'no brightness, contrast': [_crop, _flip, _blur],
    'crop and flip': [_crop, _flip],
    'crop only': [_crop],
    'no crop': [_flip, *_jitter, _blur],
}


def _name(line, view):
    return f'{line}-{view}'.lower().replace(' ', '-').replace(',', '')


def _arm(line, view):
    pipeline = [
        dict(type='MultiView', num_views=[2], transforms=[_views[view]]),
        dict(type='PackInputs'),
    ]
    return dict(
        title=f'{line}, {view}',
        config=_configs[line],
        options={'train_dataloader.dataset.pipeline': pipeline},
        reference=_name(line, 'all'),
        x=view,
        line=line,
    )


arms = {_name(line, view): _arm(line, view) for line in _configs for view in _views}
