# ImageNet-1k with InfoMin's augmentation, the same for both views, in batches of 32: MoCo v2's with
# stronger jitter, and RandAugment with two of fifteen operations. The pipeline makes the views,
# because RandAugment is mmpretrain's.
_base_ = 'imagenet_bs512_byol.py'

data_preprocessor = dict(
    _delete_=True,
    type='SelfSupDataPreprocessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    to_rgb=True,
)
# Factors of 0.1 to 1.9, so at level 10 always 1.9.
enhance = dict(magnitude_range=(-0.9, 0.9), random_negative_prob=0.0)
rand_augment = dict(
    type='RandAugment',
    num_policies=2,
    magnitude_level=10,
    magnitude_std=0.5,
    hparams=dict(pad_val=[104, 116, 124], interpolation='bilinear'),
    policies=[
        dict(type='AutoContrast'),
        dict(type='Equalize'),
        dict(type='Invert'),
        dict(type='Rotate', magnitude_range=(0, 30)),
        dict(type='Posterize', magnitude_range=(0, 4)),
        dict(type='Solarize', magnitude_range=(0, 256)),
        dict(type='SolarizeAdd', magnitude_range=(0, 110)),
        dict(type='ColorTransform', **enhance),
        dict(type='Contrast', **enhance),
        dict(type='Brightness', **enhance),
        dict(type='Sharpness', **enhance),
        dict(type='Shear', magnitude_range=(0, 0.3), direction='horizontal'),
        dict(type='Shear', magnitude_range=(0, 0.3), direction='vertical'),
        dict(type='Translate', magnitude_range=(0, 0.45), direction='horizontal'),
        dict(type='Translate', magnitude_range=(0, 0.45), direction='vertical'),
    ],
)
jitter = dict(type='ColorJitter', brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2)
blur = dict(type='GaussianBlur', magnitude_range=(0.1, 2.0), magnitude_std='inf', prob=0.5)
infomin_view = [
    dict(type='RandomResizedCrop', scale=224, crop_ratio_range=(0.2, 1.0), backend='pillow'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomApply', transforms=[jitter], prob=0.8),
    blur,
    rand_augment,
    dict(
        type='RandomGrayscale', prob=0.2, keep_channels=True, channel_weights=(0.114, 0.587, 0.2989)
    ),
]
train_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='MultiView', num_views=[2], transforms=[infomin_view]),
    *_base_.pack,
]
train_dataloader = dict(batch_size=32, dataset=dict(pipeline=train_pipeline))
