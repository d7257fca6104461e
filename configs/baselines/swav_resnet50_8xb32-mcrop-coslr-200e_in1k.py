# SwAV with multi-crop at 200 epochs on ImageNet-1k in batches of 256, without the queue that its
# paper adds to batches this small. Its paper reports 75.3 top-1 in linear evaluation after 800
# epochs in batches of 4096. Not run by us.
_base_ = [
    '../_base_/datasets/imagenet_bs32_multi-crop.py',
    '../_base_/imagenet_runtime.py',
]

num_crops = [2, 6]
model = dict(
    type='SwAV',
    backbone=dict(type='ResNet', depth=50, norm_cfg=dict(type='SyncBN'), zero_init_residual=True),
    neck=dict(type='SwAVNeck', in_channels=2048, hid_channels=2048, out_channels=128),
    head=dict(
        type='SwAVHead',
        loss=dict(
            type='SwAVLoss',
            feat_dim=128,
            num_crops=num_crops,
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
        batch_size=32,
        feat_dim=128,
        queue_length=0,
        frozen_layers_cfg=dict(prototypes=5005),
    ),
]

optim_wrapper = dict(
    type='BFloat16OptimWrapper',
    optimizer=dict(type='LARS', lr=0.6, momentum=0.9, weight_decay=1e-6, eta=1e-3),
)
auto_scale_lr = dict(base_batch_size=256)
param_scheduler = [
    dict(
        type='CosineAnnealingLR', T_max=200, eta_min=6e-4, by_epoch=True, begin=0, end=200,
        convert_to_iter_based=True,
    ),
]  # fmt: skip
train_cfg = dict(type='ResumableTrainLoop', max_epochs=200)
