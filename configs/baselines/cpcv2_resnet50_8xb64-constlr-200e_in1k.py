# CPC v2 with ResNet-50 at 200 epochs on ImageNet-1k, for which its paper reports 63.8 top-1 in
# linear evaluation. Not run by us.
_base_ = ['../_base_/datasets/imagenet_bs64_patches.py', '../_base_/imagenet_runtime.py']

model = dict(
    type='CPC',
    grid=(6, 6),
    backbone=dict(
        type='ResNet',
        depth=50,
        norm_cfg=dict(type='GN', num_groups=1),
        zero_init_residual=False,
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='CPCHead',
        in_channels=2048,
        # The nearest row whose patches do not overlap those of the context.
        offsets=[3],
        loss=dict(type='PatchPredictionLoss', scale=0.1),
    ),
)
optim_wrapper = dict(
    type='BFloat16OptimWrapper',
    optimizer=dict(type='Adam', lr=4e-4, betas=(0.8, 0.999)),
    clip_grad=dict(max_norm=0.01),
)
auto_scale_lr = dict(base_batch_size=512)
train_cfg = dict(type='ResumableTrainLoop', max_epochs=200)
