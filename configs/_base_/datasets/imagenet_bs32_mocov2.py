# ImageNet-1k with MoCo v2's augmentation, the same for both views, in batches of 32.
_base_ = 'imagenet_bs512_byol.py'

mocov2_view = [
    dict(type='RandomResizedCrop', scale=224, crop_ratio_range=(0.2, 1.0), backend='pillow'),
    dict(
        type='RandomApply',
        transforms=[
            dict(type='ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)
        ],
        prob=0.8,
    ),
    _base_.gray,
    dict(**_base_.blur, prob=0.5),
    _base_.flip,
]
train_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='MultiView', num_views=[2], transforms=[mocov2_view]),
    dict(type='PackInputs'),
]
train_dataloader = dict(batch_size=32, dataset=dict(pipeline=train_pipeline))
