# MSF with the sizes of its paper.
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
