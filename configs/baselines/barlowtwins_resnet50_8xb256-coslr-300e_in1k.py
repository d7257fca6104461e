# Barlow Twins at 300 epochs on ImageNet-1k in batches of 2048. Its paper reports 73.2 top-1 in
# linear evaluation after 1000. Not run by us.
_base_ = [
    '../_base_/datasets/imagenet_bs512_byol.py',
    '../_base_/imagenet_runtime.py',
]

train_dataloader = dict(batch_size=256)
model = dict(
    type='BarlowTwins',
    backbone=dict(type='ResNet', depth=50, norm_cfg=dict(type='SyncBN'), zero_init_residual=True),
    neck=dict(
        type='NonLinearNeck',
        in_channels=2048,
        hid_channels=8192,
        out_channels=8192,
        num_layers=3,
        with_last_bn=False,
        init_cfg=dict(type='Kaiming', distribution='uniform', layer=['Linear']),
    ),
    head=dict(
        type='LatentCrossCorrelationHead',
        in_channels=8192,
        loss=dict(type='CrossCorrelationLoss', lambd=0.0051),
    ),
)

# 0.2 per 256 images for weights, 0.0048 for biases and norms.
flat = dict(decay_mult=0, lr_mult=0.024, lars_exclude=True)
optim_wrapper = dict(
    type='BFloat16OptimWrapper',
    optimizer=dict(type='LARS', lr=1.6, momentum=0.9, weight_decay=1e-6, eta=1e-3),
    # the last is the norm of a ResNet's shortcut
    paramwise_cfg=dict(custom_keys={'bn': flat, 'bias': flat, 'downsample.1': flat}),
)
auto_scale_lr = dict(base_batch_size=2048)
param_scheduler = [
    dict(
        type='LinearLR', start_factor=1e-4, by_epoch=True, begin=0, end=10,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR', T_max=290, eta_min=1.6e-3, by_epoch=True, begin=10, end=300,
        convert_to_iter_based=True,
    ),
]  # fmt: skip
train_cfg = dict(type='ResumableTrainLoop', max_epochs=300)
