# ImageNet-1k with MoCo v2's augmentation, the same for both views, in batches of 32.
_base_ = 'imagenet_bs512_byol.py'

mocov2_jitter = dict(
    type='BatchColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, prob=0.8
)
mocov2_view = [mocov2_jitter, _base_.gray, dict(**_base_.blur, prob=0.5), _base_.flip]
data_preprocessor = dict(views=[mocov2_view, mocov2_view])
larger_crop = dict(scale=224, crop_ratio_range=(0.2, 1.0), interpolation='bilinear')
train_pipeline = [
    dict(type='RandomResizedCrops', views=[larger_crop, larger_crop]),
    *_base_.pack,
]
train_dataloader = dict(batch_size=32, dataset=dict(pipeline=train_pipeline))
