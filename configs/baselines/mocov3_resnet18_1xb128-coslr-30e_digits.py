# MoCo v3 by mmpretrain's algorithm on scikit-learn's digits. Widths, temperature and momentum are
# chosen for 1,442 images; backbone, views and schedule are RCL's. Reproduces no table.
_base_ = '../_base_/baseline_digits_30e.py'

temperature = 0.2
model = dict(
    type='MoCoV3',
    base_momentum=0.05,
    neck=dict(
        type='NonLinearNeck',
        in_channels=128,
        hid_channels=256,
        out_channels=64,
        with_last_bn_affine=False,
        norm_cfg=dict(type='BN1d'),
    ),
    head=dict(
        type='MoCoV3Head',
        predictor=dict(
            type='NonLinearNeck',
            in_channels=64,
            hid_channels=256,
            out_channels=64,
            with_last_bn=False,
            with_avg_pool=False,
            norm_cfg=dict(type='BN1d'),
        ),
        loss=dict(type='CrossEntropyLoss', loss_weight=2 * temperature),
        temperature=temperature,
    ),
)
optim_wrapper = dict(optimizer=dict(lr=2e-2))
