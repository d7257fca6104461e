# ImageNet-1k with SwAV's multi-crop in batches of 32: two views of 224 and six of 96 pixels.
_base_ = 'imagenet_bs512_byol.py'

colors = [
    dict(
        type='RandomApply',
        transforms=[
            dict(type='ColorJitter', brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2)
        ],
        prob=0.8,
    ),
    _base_.gray,
    dict(**_base_.blur, prob=0.5),
    _base_.flip,
]
large_view = [
    dict(type='RandomResizedCrop', scale=224, crop_ratio_range=(0.14, 1.0), backend='pillow'),
    *colors,
]
small_view = [
    dict(type='RandomResizedCrop', scale=96, crop_ratio_range=(0.05, 0.14), backend='pillow'),
    *colors,
]
train_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='MultiView', num_views=[2, 6], transforms=[large_view, small_view]),
    dict(type='PackInputs'),
]
train_dataloader = dict(batch_size=32, dataset=dict(pipeline=train_pipeline))
