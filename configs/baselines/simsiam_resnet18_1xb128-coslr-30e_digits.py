# SimSiam by mmpretrain's algorithm on scikit-learn's digits. Widths are chosen for 1,442 images;
# backbone, views and schedule are RCL's, and the predictor's learning rate stays fixed as in its
# paper. Reproduces no table.
_base_ = '../_base_/baseline_digits_30e.py'

model = dict(
    type='SimSiam',
    neck=dict(
        type='NonLinearNeck',
        in_channels=128,
        hid_channels=256,
        out_channels=256,
        num_layers=3,
        with_last_bn_affine=False,
        norm_cfg=dict(type='BN1d'),
    ),
    head=dict(
        type='LatentPredictHead',
        predictor=dict(
            type='NonLinearNeck',
            in_channels=256,
            hid_channels=64,
            out_channels=256,
            with_last_bn=False,
            with_last_bias=True,
            with_avg_pool=False,
            norm_cfg=dict(type='BN1d'),
        ),
        loss=dict(type='CosineSimilarityLoss'),
    ),
)
optim_wrapper = dict(
    optimizer=dict(lr=2e-2), paramwise_cfg=dict(custom_keys={'predictor': dict(fix_lr=True)})
)
custom_hooks = [
    dict(type='SimSiamHook', priority='HIGH', fix_pred_lr=True, lr=2e-2, adjust_by_epoch=False),
]
