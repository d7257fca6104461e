# ImageNet-1k with BYOL's two augmentations (Sect. 5.1); data/imagenet holds train/ and val/ with a
# folder per class.
data_root = 'data/imagenet'
# Workers decode and crop, the training device does the rest of the augmentation.
flip = dict(type='BatchFlip', prob=0.5)
jitter = dict(
    type='BatchColorJitter', brightness=0.4, contrast=0.4, saturation=0.2, hue=0.1, prob=0.8
)
gray = dict(type='BatchGrayscale', prob=0.2)
blur = dict(type='BatchGaussianBlur', sigma_range=(0.1, 2.0))
solarize = dict(type='BatchSolarize', thr=128, prob=0.2)
data_preprocessor = dict(
    type='ViewsDataPreprocessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    to_rgb=True,
    views=[
        [flip, jitter, gray, dict(**blur, prob=1.0)],
        [flip, jitter, gray, dict(**blur, prob=0.1), solarize],
    ],
)

crop = dict(scale=224, interpolation='bicubic')
# Pretraining reads no labels, each of which would be a tensor, sent in shared memory of its own.
pack = [dict(type='Collect', keys=['img', 'img_path', 'sample_idx']), dict(type='PackInputs')]
train_pipeline = [dict(type='RandomResizedCrops', views=[crop, crop]), *pack]
test_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='ResizeEdge', scale=256, edge='short', interpolation='bicubic', backend='pillow'),
    dict(type='CenterCrop', crop_size=224),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    batch_size=512,
    num_workers=8,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='ImageNet', data_root=data_root, split='train', pipeline=train_pipeline),
)
# The training images as they are, for clustering and as the gallery of the evaluation.
plain_train_dataloader = dict(
    batch_size=512,
    num_workers=8,
    pin_memory=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='ImageNet', data_root=data_root, split='train', pipeline=test_pipeline),
)
test_dataloader = dict(
    batch_size=512,
    num_workers=8,
    pin_memory=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='ImageNet', data_root=data_root, split='val', pipeline=test_pipeline),
)
test_cfg = dict(type='RepresentationTestLoop', train_dataloader=plain_train_dataloader)
test_evaluator = []
