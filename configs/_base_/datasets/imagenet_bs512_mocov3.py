# ImageNet-1k with MoCo v3's two augmentations: BYOL's with larger crops, 0.2 to 1 of the area.
_base_ = 'imagenet_bs512_byol.py'

larger_crop = dict(
    type='RandomResizedCrop', scale=224, crop_ratio_range=(0.2, 1.0), backend='pillow'
)
mocov3_view_1 = [
    larger_crop,
    _base_.jitter,
    _base_.gray,
    dict(**_base_.blur, prob=1.0),
    _base_.flip,
]
mocov3_view_2 = [
    larger_crop,
    _base_.jitter,
    _base_.gray,
    dict(**_base_.blur, prob=0.1),
    dict(type='Solarize', thr=128, prob=0.2),
    _base_.flip,
]
train_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='MultiView', num_views=[1, 1], transforms=[mocov3_view_1, mocov3_view_2]),
    dict(type='PackInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
