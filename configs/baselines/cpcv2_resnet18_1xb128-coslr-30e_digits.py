# CPC v2 on scikit-learn's digits: 3 x 3 patches of 8 pixels, each half over the next. Widths,
# offsets and the augmentation of patches are chosen for these images; the schedule is RCL's.
# Reproduces no table.
_base_ = '../_base_/baseline_digits_30e.py'

patch_crop = dict(_base_.view[0], scale=8)
corners = [0, 4, 8]
data_preprocessor = dict(
    views=[
        [dict(type='BatchPatch', top=top, left=left, scale=8), patch_crop, *_base_.view[1:]]
        for top in corners
        for left in corners
    ]
)

model = dict(
    type='CPC',
    grid=(3, 3),
    backbone=dict(norm_cfg=dict(type='GN', num_groups=1)),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='CPCHead',
        in_channels=128,
        hid_channels=64,
        num_blocks=2,
        out_channels=64,
        offsets=[1, 2],
        loss=dict(type='PatchPredictionLoss', scale=0.1),
    ),
)
optim_wrapper = dict(optimizer=dict(lr=6e-3))
