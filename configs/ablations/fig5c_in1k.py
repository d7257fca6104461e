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
    'no grayscale': ('gray',),
    'no color': ('gray', 'jitter'),
    'crop and blur': ('gray', 'jitter', 'flip', 'solarize'),
    'crop only': ('gray', 'jitter', 'flip', 'solarize', 'blur'),
}


def _jitter(**strengths):
    jitter = dict(type='ColorJitter', **strengths)
    return dict(type='RandomApply', transforms=[jitter], prob=0.8)


def _blur(prob):
    return dict(type='GaussianBlur', magnitude_range=(0.1, 2.0), magnitude_std='inf', prob=prob)


_flip = dict(type='RandomFlip', prob=0.5)
_gray = dict(
    type='RandomGrayscale', prob=0.2, keep_channels=True, channel_weights=(0.114, 0.587, 0.2989)
)
_byol = dict(
    crop=dict(type='RandomResizedCrop', scale=224, interpolation='bicubic', backend='pillow'),
    flip=_flip,
    jitter=_jitter(brightness=0.4, contrast=0.4, saturation=0.2, hue=0.1),
    gray=_gray,
)
_byol_views = [
    dict(**_byol, blur=_blur(1.0)),
    dict(**_byol, blur=_blur(0.1), solarize=dict(type='Solarize', thr=128, prob=0.2)),
]
_simclr_view = dict(
    crop=dict(type='RandomResizedCrop', scale=224, backend='pillow'),
    flip=_flip,
    jitter=_jitter(brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2),
    gray=_gray,
    blur=_blur(0.5),
)


def _pipeline(views, removed):
    transforms = [[part for name, part in view.items() if name not in removed] for view in views]
    return [
        dict(type='LoadImageFromFile', imdecode_backend='pillow'),
        dict(type='MultiView', num_views=[1, 1], transforms=transforms),
        dict(type='PackInputs'),
    ]


def _name(line, view):
    return f'{line}-{view}'.lower().replace(' ', '-')


def _arm(line, view):
    views = [_simclr_view, _simclr_view] if line == 'SimCLR' else _byol_views
    # The full set is that of the config, so that the run is shared with the other grids.
    pipeline = {'train_dataloader.dataset.pipeline': _pipeline(views, _removed[view])}
    return dict(
        title=f'{line}, {view}',
        config=_configs[line],
        options={} if view == 'all' else pipeline,
        reference=_name(line, 'all'),
        x=view,
        line=line,
    )


arms = {_name(line, view): _arm(line, view) for line in _configs for view in _removed}
