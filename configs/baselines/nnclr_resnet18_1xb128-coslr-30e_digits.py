# NNCLR on scikit-learn's digits. Widths, queue and temperature are chosen for 1,442 images;
# backbone, views and schedule are RCL's. Reproduces no table.
_base_ = '../_base_/baseline_digits_30e.py'

model = dict(
    type='NNCLR',
    neck=dict(
        type='NonLinearNeck',
        in_channels=128,
        hid_channels=256,
        out_channels=64,
        num_layers=3,
        norm_cfg=dict(type='BN1d'),
    ),
    head=dict(
        type='LatentPredictHead',
        predictor=dict(
            type='NonLinearNeck',
            in_channels=64,
            hid_channels=256,
            out_channels=64,
            with_last_bn=False,
            with_last_bias=True,
            with_avg_pool=False,
            norm_cfg=dict(type='BN1d'),
        ),
        loss=dict(type='NearestNeighborLoss', temperature=0.1),
    ),
    queue=dict(type='SupportQueue', length=1024, feat_dim=64),
)
optim_wrapper = dict(optimizer=dict(lr=2e-2))
