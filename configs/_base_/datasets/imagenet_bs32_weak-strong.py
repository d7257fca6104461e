# ImageNet-1k in batches of 32 with two unlike views: first the strong one, MoCo v2's augmentation,
# then the weak one, a crop and a flip.
_base_ = 'imagenet_bs512_byol.py'

mocov2_jitter = dict(
    type='BatchColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, prob=0.8
)
strong_view = [mocov2_jitter, _base_.gray, dict(**_base_.blur, prob=0.5), _base_.flip]
data_preprocessor = dict(views=[strong_view, [_base_.flip]])
larger_crop = dict(scale=224, crop_ratio_range=(0.2, 1.0), interpolation='bilinear')
train_pipeline = [
    dict(type='RandomResizedCrops', views=[larger_crop, larger_crop]),
    *_base_.pack,
]
train_dataloader = dict(batch_size=32, dataset=dict(pipeline=train_pipeline))
