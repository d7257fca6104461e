# MSF on scikit-learn's digits; the target's weak view is cropped alone. Widths, memory, neighbours
# and momentum are chosen for 1,442 images; backbone, strong view and schedule are RCL's. Reproduces
# no table.
_base_ = '../_base_/baseline_digits_30e.py'

weak_view = [dict(_base_.view[0], rotate=0, shear=0)]
data_preprocessor = dict(views=[_base_.view, weak_view])

model = dict(
    type='MSF',
    num_neighbors=5,
    momentum=0.05,
    neck=dict(
        type='NonLinearNeck',
        in_channels=128,
        hid_channels=256,
        out_channels=64,
        with_bias=True,
        with_last_bn=False,
        with_last_bias=True,
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
            with_last_bias=True,
            with_avg_pool=False,
            norm_cfg=dict(type='BN1d'),
        ),
        loss=dict(type='MeanShiftLoss'),
    ),
    queue=dict(type='SupportQueue', length=1024, feat_dim=64),
)
optim_wrapper = dict(optimizer=dict(lr=6e-3))
