# Digits of which few have labels: what the semi-supervised methods share, so that only the method
# differs. 300 steps of 8 labelled and 56 unlabelled images.
data_preprocessor = dict(type='SelfSupDataPreprocessor', mean=[78.0], std=[96.0])
model = dict(
    backbone=dict(
        type='ResNet_CIFAR',
        depth=18,
        in_channels=1,
        stem_channels=16,
        base_channels=16,
        norm_cfg=dict(type='BN'),
        init_cfg=dict(type='mmrcl.StrictPretrained', checkpoint=None),
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead',
        num_classes=10,
        in_channels=128,
        topk=(1, 5),
        loss=dict(type='CrossEntropyLoss', loss_weight=1.0),
    ),
)

# The weak view is a gentle crop: a stroke that is cut off turns an 8 into a 3. The strong view has
# two transforms of RandAugment before. Those of colour take three channels, and negatives of digits
# are no digits.
crop = dict(
    type='RandomResizedCrop', scale=16, crop_ratio_range=(0.8, 1.0), aspect_ratio_range=(0.9, 1.1)
)
rand_augment = dict(
    type='RandAugment',
    policies=[
        dict(type='Rotate', magnitude_range=(0, 30)),
        dict(type='Shear', magnitude_range=(0, 0.3), direction='horizontal'),
        dict(type='Shear', magnitude_range=(0, 0.3), direction='vertical'),
        dict(type='Translate', magnitude_range=(0, 0.2), direction='horizontal'),
        dict(type='Translate', magnitude_range=(0, 0.2), direction='vertical'),
        dict(type='Brightness', magnitude_range=(0, 0.9)),
        dict(type='Sharpness', magnitude_range=(0, 0.9)),
        dict(type='Posterize', magnitude_range=(8, 2)),
    ],
    num_policies=2,
    magnitude_level=10,
    magnitude_std='inf',
    hparams=dict(pad_val=0),
)
train_pipeline = [
    dict(type='MultiView', num_views=[1, 1], transforms=[[crop], [rand_augment, crop]]),
    dict(type='PackInputs'),
]
digits = dict(type='Digits', split='train', scale=16, pipeline=train_pipeline)
train_dataloader = dict(
    batch_size=64,
    num_workers=0,
    drop_last=True,
    sampler=dict(type='PartlyLabeledSampler', unlabeled_per_labeled=7),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='PartlyLabeled',
        labeled=dict(type='BalancedShare', fraction=0.01, seed=0, dataset=digits),
        unlabeled=digits,
    ),
)
test_pipeline = [
    dict(type='Resize', scale=(16, 16), interpolation='bicubic'),
    dict(type='PackInputs'),
]
test_dataloader = dict(
    batch_size=256,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='Digits', split='test', scale=16, pipeline=test_pipeline),
)
val_dataloader = test_dataloader
val_evaluator = [dict(type='Accuracy', topk=(1, 5))]
test_evaluator = val_evaluator
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.03, momentum=0.9, nesterov=True, weight_decay=5e-4),
)
auto_scale_lr = dict(base_batch_size=64)
param_scheduler = [
    dict(
        type='CosineAnnealingLR', T_max=12, by_epoch=True, begin=0, end=12,
        convert_to_iter_based=True,
    ),
]  # fmt: skip
# Epochs of 25 steps; the test images are scored once, at the end.
train_cfg = dict(type='ResumableTrainLoop', max_epochs=12, val_interval=12)
