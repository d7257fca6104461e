# A view of InfoMin Aug. of gray images of 16 pixels. RandAugment has the operations that suit them.
_enhance = dict(magnitude_range=(-0.9, 0.9), random_negative_prob=0.5)
_rand_augment = dict(
    type='RandAugment',
    num_policies=2,
    magnitude_level=10,
    magnitude_std=0.5,
    hparams=dict(pad_val=0, interpolation='bilinear'),
    policies=[
        dict(type='Rotate', magnitude_range=(0, 30)),
        dict(type='Posterize', magnitude_range=(0, 4)),
        dict(type='Brightness', **_enhance),
        dict(type='Sharpness', **_enhance),
        dict(type='Shear', magnitude_range=(0, 0.3), direction='horizontal'),
        dict(type='Shear', magnitude_range=(0, 0.3), direction='vertical'),
        dict(type='Translate', magnitude_range=(0, 0.2), direction='horizontal'),
        dict(type='Translate', magnitude_range=(0, 0.2), direction='vertical'),
    ],
)
_warp = dict(magnitude_std='inf', prob=1.0, pad_val=0, interpolation='bilinear')
_infomin_view = [
    dict(type='Rotate', magnitude_range=(0, 20), **_warp),
    dict(type='Shear', magnitude_range=(0, 0.3), **_warp),
    dict(
        type='RandomResizedCrop',
        scale=16,
        crop_ratio_range=(0.5, 1.0),
        aspect_ratio_range=(0.8, 1.25),
    ),
    dict(type='Brightness', magnitude_range=(0, 0.8), magnitude_std='inf', prob=0.8),
    dict(type='GaussianBlur', magnitude_range=(0.1, 1.2), magnitude_std='inf', prob=0.5),
    _rand_augment,
]
