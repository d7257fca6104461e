# Reproduces NNCLR at 200 epochs on ImageNet-1k, for which 70.7 top-1 in linear evaluation is
# published. Not run by us.
_base_ = [
    '../_base_/datasets/imagenet_bs512_byol.py',
    '../_base_/schedules/lars_coslr_200e.py',
    '../_base_/imagenet_runtime.py',
]

model = dict(
    type='NNCLR',
    backbone=dict(type='ResNet', depth=50, norm_cfg=dict(type='SyncBN'), zero_init_residual=False),
    neck=dict(
        type='NonLinearNeck', in_channels=2048, hid_channels=2048, out_channels=256, num_layers=3
    ),
    head=dict(
        type='LatentPredictHead',
        predictor=dict(
            type='NonLinearNeck',
            in_channels=256,
            hid_channels=4096,
            out_channels=256,
            with_last_bn=False,
            with_last_bias=True,
            with_avg_pool=False,
        ),
        loss=dict(type='NearestNeighborLoss', temperature=0.1),
    ),
    queue=dict(type='SupportQueue', length=98304, feat_dim=256),
)
