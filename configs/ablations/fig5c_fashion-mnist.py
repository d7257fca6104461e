# Fig. 5c, augmentations removed, on Fashion-MNIST. The full set has more augmentations than the
# crop and flip of RCL's config, so that there is something to remove.
_base_ = '_base_/fashion-mnist_arms.py'

title = 'Fig. 5c on Fashion-MNIST: augmentations removed'
config = '_base_/rcl_resnet18-small_1xb128-coslr-30e_fashion-mnist.py'
seeds = [0, 1, 2]
draw = 'difference'
_lines = {
    'rcl': ('RCL', 'images'),
    'instance-discrimination': ('instance discrimination', 'instance-discrimination'),
}
_crop = dict(type='BatchAffineCrop', scale=28, crop_ratio_range=(0.3, 1.0))
_flip = dict(type='BatchFlip', prob=0.5)
_photometric = [
    dict(type='BatchBrightness', strength=0.4, prob=0.8),
    dict(type='BatchSolarize', thr=128, prob=0.2),
    dict(type='BatchGaussianBlur', sigma_range=(0.1, 1.5), prob=0.5),
]
_views = {
    'all': [_crop, _flip, *_photometric],
    'crop and flip': [_crop, _flip],
    'crop only': [_crop],
    'no crop': [_flip, *_photometric],
}


def _name(line, view):
    return f'{line}-{view}'.replace(' ', '-')


def _arm(line, view):
    title, name = _lines[line]
    arm = dict(_base_._arms[name], title=f'{title}, {view}', x=view, line=title)
    views = [_views[view], _views[view]]
    options = {**arm.get('options', {}), 'data_preprocessor.views': views}
    return dict(arm, options=options, reference=_name(line, 'all'))


arms = {_name(line, view): _arm(line, view) for line in _lines for view in _views}
