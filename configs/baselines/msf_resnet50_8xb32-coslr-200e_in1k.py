# Reproduces MSF with weak and strong views at 200 epochs on ImageNet-1k, for which its paper
# reports 72.4 top-1 in linear evaluation. Not run by us.
_base_ = [
    '../_base_/datasets/imagenet_bs32_weak-strong.py',
    '../_base_/schedules/sgd_coslr_200e_in1k.py',
    '../_base_/imagenet_runtime.py',
]

model = dict(
    type='MSF',
    num_neighbors=10,
    momentum=0.01,
    backbone=dict(type='ResNet', depth=50, norm_cfg=dict(type='SyncBN'), zero_init_residual=False),
    neck=dict(
        type='NonLinearNeck',
        in_channels=2048,
        hid_channels=4096,
        out_channels=512,
        with_bias=True,
        with_last_bn=False,
        with_last_bias=True,
    ),
    head=dict(
        type='LatentPredictHead',
        predictor=dict(
            type='NonLinearNeck',
            in_channels=512,
            hid_channels=4096,
            out_channels=512,
            with_bias=True,
            with_last_bn=False,
            with_last_bias=True,
            with_avg_pool=False,
        ),
        loss=dict(type='MeanShiftLoss'),
    ),
    queue=dict(type='SupportQueue', length=128000, feat_dim=512),
)
optim_wrapper = dict(optimizer=dict(lr=0.05))
