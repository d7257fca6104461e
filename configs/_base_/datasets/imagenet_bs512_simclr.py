# ImageNet-1k with SimCLR's augmentation, colour distortion of strength 1, the same for both views.
_base_ = 'imagenet_bs512_byol.py'

simclr_view = [
    dict(type='RandomResizedCrop', scale=224, backend='pillow'),
    _base_.flip,
    dict(
        type='RandomApply',
        transforms=[
            dict(type='ColorJitter', brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2)
        ],
        prob=0.8,
    ),
    _base_.gray,
    dict(**_base_.blur, prob=0.5),
]
train_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='MultiView', num_views=[2], transforms=[simclr_view]),
    dict(type='PackInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
