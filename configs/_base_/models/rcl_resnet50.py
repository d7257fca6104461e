# Sect. 5.1: ResNet-50, projector 2048-2048-256 (BN after each layer), predictors 256-4096-256,
# tau 0.1, support queue of 1.5 x 2^16 keys. Momentum m from 0.99 to 1 (BYOL's preset; the paper
# reports none), written as 1 - m.
model = dict(
    type='RCL',
    base_momentum=0.01,
    backbone=dict(type='ResNet', depth=50, norm_cfg=dict(type='SyncBN'), zero_init_residual=False),
    neck=dict(
        type='NonLinearNeck',
        in_channels=2048,
        hid_channels=2048,
        out_channels=256,
        num_layers=3,
        with_bias=False,
        with_last_bn=True,
        with_avg_pool=True,
        norm_cfg=dict(type='SyncBN'),
    ),
    head=dict(
        type='RCLHead',
        predictor=dict(
            type='MultiPredictorNeck',
            in_channels=256,
            hid_channels=4096,
            out_channels=256,
            num_predictors=3,
            norm_cfg=dict(type='SyncBN'),
        ),
        # Negative pairs are repelled, exactly as in Eq. 3; see docs/method.md for the alternative.
        loss=dict(type='RelativeContrastiveLoss', temperature=0.1, negative_pairs='repel'),
    ),
    queue=dict(type='SupportQueue', length=98304, feat_dim=256),
    retrievers=[
        dict(type='SameImageRetriever'),
        dict(type='ClusterRetriever', select='random', gallery='queue'),
    ],
    hierarchy=dict(type='LabelHierarchy', num_levels=3, feat_dim=256, bank_momentum=0.8),
)
