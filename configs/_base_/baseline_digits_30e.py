# What the baselines on digits share with RCL's digits config: backbone, views, optimiser and 30
# epochs. Only the method differs, and the learning rate: the best of three on held-out training
# images (docs/methods.md).
_base_ = ['datasets/digits.py', 'default_runtime.py']

model = dict(
    backbone=dict(
        type='ResNet_CIFAR',
        depth=18,
        in_channels=1,
        stem_channels=16,
        base_channels=16,
        norm_cfg=dict(type='BN'),
    ),
)

default_hooks = dict(
    knn=dict(
        type='KNNHook',
        train_dataloader=_base_.plain_train_dataloader,
        test_dataloader=_base_.test_dataloader,
        interval=3,
    ),
    channels_last=dict(type='ChannelsLastHook'),
    logger=dict(interval=11),
    checkpoint=dict(interval=6),
)

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=2e-3, weight_decay=1e-4))
auto_scale_lr = dict(base_batch_size=128)
param_scheduler = [
    dict(
        type='LinearLR', start_factor=1e-2, by_epoch=True, begin=0, end=4,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR', T_max=26, by_epoch=True, begin=4, end=30,
        convert_to_iter_based=True,
    ),
]  # fmt: skip
train_cfg = dict(type='ResumableTrainLoop', max_epochs=30)
