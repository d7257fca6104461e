# CIFAR-10, 32 x 32 pixels in RGB, as mmpretrain reads (and downloads) it.
data_root = 'data/cifar10'
# The views of a batch are made on the training device.
view = [
    dict(type='BatchAffineCrop', scale=32, crop_ratio_range=(0.2, 1.0)),
    dict(type='BatchFlip', prob=0.5),
    dict(type='BatchColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, prob=0.8),
    dict(type='BatchGrayscale', prob=0.2),
]
data_preprocessor = dict(
    type='ViewsDataPreprocessor',
    mean=[125.307, 122.961, 113.8575],
    std=[51.5865, 50.847, 51.255],
    views=[view, view],
)

# Pretraining reads no labels, each of which would be a tensor of its own.
train_pipeline = [dict(type='Collect', keys=['img', 'sample_idx']), dict(type='PackInputs')]
test_pipeline = [dict(type='PackInputs')]

train_dataloader = dict(
    batch_size=256,
    num_workers=8,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='CIFAR10', data_root=data_root, split='train', download=True, pipeline=train_pipeline
    ),
)
# The training images as they are, for clustering and as the gallery of the evaluation.
plain_train_dataloader = dict(
    batch_size=512,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='CIFAR10', data_root=data_root, split='train', download=True, pipeline=test_pipeline
    ),
)
test_dataloader = dict(
    batch_size=512,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='CIFAR10', data_root=data_root, split='test', download=True, pipeline=test_pipeline
    ),
)
test_cfg = dict(type='RepresentationTestLoop', train_dataloader=plain_train_dataloader)
test_evaluator = []
