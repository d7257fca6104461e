# Augmentations of Fashion-MNIST, from which the grids select.
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
