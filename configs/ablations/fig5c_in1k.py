# Fig. 5c, augmentations removed, on ImageNet-1k: the drop of RCL compared with instance
# discrimination, SimCLR and BYOL. Each keeps the strengths of its own config. Not run by us.
title = 'Fig. 5c on ImageNet-1k: augmentations removed'
label_draws = 1
draw = 'difference'
_configs = {
    'RCL': '../rcl/rcl_resnet50_8xb512-coslr-200e_in1k.py',
    'instance discrimination': (
        '../baselines/instance-discrimination_resnet50_8xb512-coslr-200e_in1k.py'
    ),
    'SimCLR': '../baselines/simclr_resnet50_8xb512-coslr-200e_in1k.py',
    'BYOL': '../baselines/byol_resnet50_8xb512-coslr-200e_in1k.py',
}
_removed = {
    'all': (),
    'no grayscale': ('BatchGrayscale',),
    'no color': ('BatchGrayscale', 'BatchColorJitter'),
    'crop and blur': ('BatchGrayscale', 'BatchColorJitter', 'BatchFlip', 'BatchSolarize'),
    'crop only': (
        *('BatchGrayscale', 'BatchColorJitter', 'BatchFlip', 'BatchSolarize'),
        'BatchGaussianBlur',
    ),
}


def _jitter(**strengths):
    return dict(type='BatchColorJitter', **strengths, prob=0.8)


def _blur(prob):
    return dict(type='BatchGaussianBlur', sigma_range=(0.1, 2.0), prob=prob)


_flip = dict(type='BatchFlip', prob=0.5)
_gray = dict(type='BatchGrayscale', prob=0.2)
_byol = [_flip, _jitter(brightness=0.4, contrast=0.4, saturation=0.2, hue=0.1), _gray]
_byol_views = [
    [*_byol, _blur(1.0)],
    [*_byol, _blur(0.1), dict(type='BatchSolarize', thr=128, prob=0.2)],
]
_strong = _jitter(brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2)
_simclr_view = [_flip, _strong, _gray, _blur(0.5)]


def _without(view, removed):
    return [transform for transform in view if transform['type'] not in removed]


def _name(line, view):
    return f'{line}-{view}'.lower().replace(' ', '-')


def _arm(line, view):
    views = [_simclr_view, _simclr_view] if line == 'SimCLR' else _byol_views
    # The full set is that of the config, so that the run is shared with the other grids.
    kept = [_without(each, _removed[view]) for each in views]
    return dict(
        title=f'{line}, {view}',
        config=_configs[line],
        options={} if view == 'all' else {'data_preprocessor.views': kept},
        reference=_name(line, 'all'),
        x=view,
        line=line,
    )


arms = {_name(line, view): _arm(line, view) for line in _configs for view in _removed}
