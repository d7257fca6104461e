# BYOL by mmpretrain's algorithm on scikit-learn's digits. Widths and momentum are chosen for 1,442
# images; backbone, views and schedule are RCL's. Reproduces no table.
_base_ = '../_base_/baseline_digits_30e.py'

model = dict(
    type='BYOL',
    base_momentum=0.05,
    neck=dict(
        type='NonLinearNeck',
        in_channels=128,
        hid_channels=256,
        out_channels=64,
        with_bias=True,
        with_last_bn=False,
        norm_cfg=dict(type='BN1d'),
    ),
    head=dict(
        type='LatentPredictHead',
        predictor=dict(
            type='NonLinearNeck',
            in_channels=64,
            hid_channels=256,
            out_channels=64,
            with_bias=True,
            with_last_bn=False,
            with_avg_pool=False,
            norm_cfg=dict(type='BN1d'),
        ),
        loss=dict(type='CosineSimilarityLoss'),
    ),
)
optim_wrapper = dict(optimizer=dict(lr=6e-3))
