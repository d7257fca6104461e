# BYOL at 200 epochs on ImageNet-1k with its paper's settings for 300: LARS 0.3 per 256 images,
# weight decay 1e-6, m from 0.99. Its paper reports 74.3 top-1 in linear evaluation after 1000. Not
# run by us.
_base_ = [
    '../_base_/datasets/imagenet_bs512_byol.py',
    '../_base_/schedules/lars_coslr_200e.py',
    '../_base_/imagenet_runtime.py',
]

model = dict(
    type='BYOL',
    base_momentum=0.01,
    backbone=dict(type='ResNet', depth=50, norm_cfg=dict(type='SyncBN'), zero_init_residual=False),
    neck=dict(
        type='NonLinearNeck',
        in_channels=2048,
        hid_channels=4096,
        out_channels=256,
        with_bias=True,
        with_last_bn=False,
    ),
    head=dict(
        type='LatentPredictHead',
        predictor=dict(
            type='NonLinearNeck',
            in_channels=256,
            hid_channels=4096,
            out_channels=256,
            with_bias=True,
            with_last_bn=False,
            with_avg_pool=False,
        ),
        loss=dict(type='CosineSimilarityLoss'),
    ),
)
