# SwAV by mmpretrain's algorithm on scikit-learn's digits: two views of 16 and four of 8 pixels.
# Widths, crops and prototypes are chosen for 1,442 images; backbone and schedule are RCL's. No
# queue. Reproduces no table.
_base_ = '../_base_/baseline_digits_30e.py'

num_crops = [2, 4]
small_crop = dict(_base_.view[0], scale=8, crop_ratio_range=(0.2, 0.5))
small_view = [small_crop, *_base_.view[1:]]
data_preprocessor = dict(views=[_base_.view] * 2 + [small_view] * 4)

model = dict(
    type='SwAV',
    neck=dict(
        type='SwAVNeck',
        in_channels=128,
        hid_channels=256,
        out_channels=64,
        norm_cfg=dict(type='BN1d'),
    ),
    head=dict(
        type='SwAVHead',
        loss=dict(
            type='BoundedSwAVLoss',
            feat_dim=64,
            num_crops=num_crops,
            num_prototypes=64,
            # Sharper assignments than the paper's 0.05, with which prototypes stayed alike here.
            epsilon=0.01,
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
        batch_size=128,
        feat_dim=64,
        queue_length=0,
        frozen_layers_cfg=dict(prototypes=11),
    ),
]
optim_wrapper = dict(optimizer=dict(lr=2e-2))
