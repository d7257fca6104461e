# SimCLR by mmpretrain's algorithm on scikit-learn's digits. Widths and temperature are chosen for
# 1,442 images; backbone, views and schedule are RCL's. Reproduces no table.
_base_ = '../_base_/baseline_digits_30e.py'

model = dict(
    type='SimCLR',
    neck=dict(
        type='NonLinearNeck',
        in_channels=128,
        hid_channels=256,
        out_channels=64,
        norm_cfg=dict(type='BN1d'),
    ),
    head=dict(type='ContrastiveHead', loss=dict(type='CrossEntropyLoss'), temperature=0.2),
)
optim_wrapper = dict(optimizer=dict(lr=2e-2))
