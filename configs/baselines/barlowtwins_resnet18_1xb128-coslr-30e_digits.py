# Barlow Twins by mmpretrain's algorithm on scikit-learn's digits. Widths are chosen for 1,442
# images; backbone, views and schedule are RCL's. Reproduces no table.
_base_ = '../_base_/baseline_digits_30e.py'

model = dict(
    type='BarlowTwins',
    neck=dict(
        type='NonLinearNeck',
        in_channels=128,
        hid_channels=256,
        out_channels=256,
        num_layers=3,
        with_last_bn=False,
        norm_cfg=dict(type='BN1d'),
    ),
    head=dict(
        type='LatentCrossCorrelationHead',
        in_channels=256,
        loss=dict(type='CrossCorrelationLoss', lambd=0.0051),
    ),
)
optim_wrapper = dict(optimizer=dict(lr=2e-2))
