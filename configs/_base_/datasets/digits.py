# scikit-learn's handwritten digits, 8 x 8 pixels, one channel: no download.
data_preprocessor = dict(type='SelfSupDataPreprocessor', mean=[78.0], std=[96.0])

upscale = dict(type='Resize', scale=(16, 16), interpolation='bicubic')
warp = dict(magnitude_std='inf', prob=1.0, pad_val=0, interpolation='bilinear')
view = [
    dict(type='Rotate', magnitude_range=(0, 20), **warp),
    dict(type='Shear', magnitude_range=(0, 0.3), **warp),
    dict(
        type='RandomResizedCrop',
        scale=16,
        crop_ratio_range=(0.5, 1.0),
        aspect_ratio_range=(0.8, 1.25),
    ),
    dict(type='Brightness', magnitude_range=(0, 0.5), magnitude_std='inf', prob=0.8),
    dict(type='GaussianBlur', magnitude_range=(0.1, 1.2), magnitude_std='inf', prob=0.5),
]
train_pipeline = [
    upscale,
    dict(type='MultiView', num_views=[2], transforms=[view]),
    dict(type='PackInputs'),
]
test_pipeline = [upscale, dict(type='PackInputs')]

train_dataloader = dict(
    batch_size=128,
    num_workers=0,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='Digits', split='train', pipeline=train_pipeline),
)
# The training images as they are, for clustering and as the gallery of the evaluation.
plain_train_dataloader = dict(
    batch_size=256,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='Digits', split='train', pipeline=test_pipeline),
)
test_dataloader = dict(
    batch_size=256,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='Digits', split='test', pipeline=test_pipeline),
)
test_cfg = dict(
    type='RepresentationTestLoop',
    train_dataloader=plain_train_dataloader,
    seeds=[0, 1, 2, 3, 4],
)
test_evaluator = []
