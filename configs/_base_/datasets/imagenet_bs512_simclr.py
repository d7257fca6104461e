# ImageNet-1k with SimCLR's augmentation, colour distortion of strength 1, the same for both views.
_base_ = 'imagenet_bs512_byol.py'

strong_jitter = dict(
    type='BatchColorJitter', brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2, prob=0.8
)
simclr_view = [_base_.flip, strong_jitter, _base_.gray, dict(**_base_.blur, prob=0.5)]
data_preprocessor = dict(views=[simclr_view, simclr_view])
bilinear_crop = dict(scale=224, interpolation='bilinear')
train_pipeline = [
    dict(type='RandomResizedCrops', views=[bilinear_crop, bilinear_crop]),
    *_base_.pack,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
