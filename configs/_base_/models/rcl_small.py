# A small RCL for images of 16 to 32 pixels: ResNet-18 with a 3 x 3 stem (no first pooling).
# Configs set channels, widths and the queue.
model = dict(
    type='RCL',
    base_momentum=0.05,
    backbone=dict(type='ResNet_CIFAR', depth=18, norm_cfg=dict(type='BN')),
    neck=dict(
        type='NonLinearNeck',
        in_channels=512,
        hid_channels=512,
        out_channels=128,
        num_layers=2,
        with_bias=False,
        with_last_bn=True,
        with_avg_pool=True,
        norm_cfg=dict(type='BN1d'),
    ),
    head=dict(
        type='RCLHead',
        predictor=dict(
            type='MultiPredictorNeck',
            in_channels=128,
            hid_channels=512,
            out_channels=128,
            num_predictors=3,
            norm_cfg=dict(type='BN1d'),
        ),
        # Negative pairs are ignored, not repelled as in the paper, see docs/method.md.
        loss=dict(type='RelativeContrastiveLoss', temperature=0.1, negative_pairs='ignore'),
    ),
    queue=dict(type='SupportQueue', length=4096, feat_dim=128),
    retrievers=[
        dict(type='SameImageRetriever'),
        dict(type='ClusterRetriever', select='random', gallery='queue'),
    ],
    hierarchy=dict(type='LabelHierarchy', num_levels=3, feat_dim=128, bank_momentum=0.8),
)
