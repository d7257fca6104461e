# ImageNet-1k with SwAV's multi-crop in batches of 32: two views of 224 and six of 96 pixels.
_base_ = 'imagenet_bs512_byol.py'

strong_jitter = dict(
    type='BatchColorJitter', brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2, prob=0.8
)
colors = [strong_jitter, _base_.gray, dict(**_base_.blur, prob=0.5), _base_.flip]
data_preprocessor = dict(views=[colors] * 8)
large_crop = dict(scale=224, crop_ratio_range=(0.14, 1.0), interpolation='bilinear')
small_crop = dict(scale=96, crop_ratio_range=(0.05, 0.14), interpolation='bilinear')
train_pipeline = [
    dict(type='RandomResizedCrops', views=[large_crop] * 2 + [small_crop] * 6),
    *_base_.pack,
]
train_dataloader = dict(batch_size=32, dataset=dict(pipeline=train_pipeline))
