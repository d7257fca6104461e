# ImageNet-1k with MoCo v3's two augmentations: BYOL's with larger crops, 0.2 to 1 of the area.
_base_ = 'imagenet_bs512_byol.py'

colors = [_base_.jitter, _base_.gray]
data_preprocessor = dict(
    views=[
        [*colors, dict(**_base_.blur, prob=1.0), _base_.flip],
        [*colors, dict(**_base_.blur, prob=0.1), _base_.solarize, _base_.flip],
    ]
)
larger_crop = dict(scale=224, crop_ratio_range=(0.2, 1.0), interpolation='bilinear')
train_pipeline = [
    dict(type='RandomResizedCrops', views=[larger_crop, larger_crop]),
    *_base_.pack,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
