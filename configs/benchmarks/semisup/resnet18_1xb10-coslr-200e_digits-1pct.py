# Fine-tunes the encoder of the digits configs on 1 % of the labels, one image per class, which
# train_dataloader.dataset.seed selects. Reproduces no table. docs/transfer.md explains how the
# learning rate was chosen, the same with and without pretraining.
_base_ = ['../../_base_/datasets/digits.py', '../../_base_/default_runtime.py']

data_preprocessor = dict(_delete_=True, type='ClsDataPreprocessor', mean=[78.0], std=[96.0])
model = dict(
    type='ImageClassifier',
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

# Rotation, shear and crop of the pretraining's views; every batch is whole, for its batch norms.
warp = dict(magnitude_std='inf', prob=1.0, pad_val=0, interpolation='bilinear')
train_pipeline = [
    _base_.upscale,
    dict(type='Rotate', magnitude_range=(0, 20), **warp),
    dict(type='Shear', magnitude_range=(0, 0.3), **warp),
    dict(
        type='RandomResizedCrop',
        scale=16,
        crop_ratio_range=(0.5, 1.0),
        aspect_ratio_range=(0.8, 1.25),
    ),
    dict(type='PackInputs'),
]
train_dataloader = dict(
    batch_size=10,
    dataset=dict(
        _delete_=True,
        type='BalancedShare',
        fraction=0.01,
        seed=0,
        dataset=dict(type='Digits', split='train', scale=16, pipeline=train_pipeline),
    ),
)
val_dataloader = _base_.test_dataloader
val_evaluator = [dict(type='Accuracy', topk=(1, 5))]
test_evaluator = val_evaluator
val_cfg = dict(type='ValLoop')
test_cfg = dict(_delete_=True, type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.03, momentum=0.9, nesterov=True)
)
auto_scale_lr = dict(base_batch_size=10)
param_scheduler = [
    dict(
        type='CosineAnnealingLR', T_max=200, by_epoch=True, begin=0, end=200,
        convert_to_iter_based=True,
    ),
]  # fmt: skip
# Epochs are single iterations; the test images are scored once, at the end.
train_cfg = dict(type='ResumableTrainLoop', max_epochs=200, val_interval=200)
default_hooks = dict(checkpoint=dict(interval=200))
