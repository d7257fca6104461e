# ImageNet-1k as 6 x 6 patches of 80 pixels, 36 apart, of a crop of 260 of the image at 300, each
# patch augmented by itself, in batches of 64.
_base_ = 'imagenet_bs512_byol.py'

warp = dict(
    type='BatchAffineCrop',
    scale=80,
    crop_ratio_range=(0.8, 1.0),
    aspect_ratio_range=(1.0, 1.0),
    rotate=15,
    shear=0.15,
)
patch_jitter = dict(
    type='BatchColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, prob=0.8
)
patch_gray = dict(type='BatchGrayscale', prob=0.25)
corners = [0, 36, 72, 108, 144, 180]
data_preprocessor = dict(
    views=[
        [dict(type='BatchPatch', top=top, left=left, scale=80), warp, patch_jitter, patch_gray]
        for top in corners
        for left in corners
    ]
)
train_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='Resize', scale=(300, 300), interpolation='bicubic', backend='pillow'),
    dict(type='RandomCrop', crop_size=260),
    *_base_.pack,
]
train_dataloader = dict(batch_size=64, dataset=dict(pipeline=train_pipeline))
