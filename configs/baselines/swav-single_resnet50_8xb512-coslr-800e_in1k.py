# SwAV without multi-crop at 800 epochs on ImageNet-1k in batches of 4096, for which RCL's Table 1
# quotes 71.8 top-1 in linear evaluation. Settings of the authors' script for 400 epochs, which has
# no queue either. Augmentation is SimCLR's, as theirs. Not run by us.
_base_ = [
    '../_base_/datasets/imagenet_bs512_simclr.py',
    '../_base_/imagenet_runtime.py',
]

model = dict(
    type='SwAV',
    backbone=dict(type='ResNet', depth=50, norm_cfg=dict(type='SyncBN'), zero_init_residual=True),
    neck=dict(type='SwAVNeck', in_channels=2048, hid_channels=2048, out_channels=128),
    head=dict(
        type='SwAVHead',
        loss=dict(
            type='SwAVLoss',
            feat_dim=128,
            num_crops=[2],
            num_prototypes=3000,
            epsilon=0.05,
            temperature=0.1,
        ),
    ),
)
# The prototypes get no gradient while they are frozen.
find_unused_parameters = True
custom_hooks = [
    # Prototypes stay fixed for the first epoch.
    dict(
        type='SwAVHook',
        priority='VERY_HIGH',
        batch_size=512,
        feat_dim=128,
        queue_length=0,
        frozen_layers_cfg=dict(prototypes=313),
    ),
]

optim_wrapper = dict(
    type='BFloat16OptimWrapper',
    optimizer=dict(type='LARS', lr=4.8, momentum=0.9, weight_decay=1e-6, eta=1e-3),
)
auto_scale_lr = dict(base_batch_size=4096)
param_scheduler = [
    dict(
        type='LinearLR', start_factor=0.0625, by_epoch=True, begin=0, end=10,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR', T_max=790, eta_min=4.8e-3, by_epoch=True, begin=10, end=800,
        convert_to_iter_based=True,
    ),
]  # fmt: skip
train_cfg = dict(type='ResumableTrainLoop', max_epochs=800)
