# LocalAgg on scikit-learn's digits, one view of each image: instance recognition for three epochs,
# then local aggregation. Widths, neighbours and clusters are chosen for 1,442 images; backbone,
# view and schedule are RCL's. Reproduces no table. K-means needs Python 3.11.
_base_ = '../_base_/baseline_digits_30e.py'

data_preprocessor = dict(views=[_base_.view])

model = dict(
    type='LocalAgg',
    neck=dict(
        type='NonLinearNeck',
        in_channels=128,
        hid_channels=256,
        out_channels=64,
        norm_cfg=dict(type='BN1d'),
    ),
    head=dict(
        type='LocalAggregationHead',
        num_background=256,
        loss=dict(type='LocalAggregationLoss', temperature=0.07),
    ),
    hierarchy=dict(type='LabelHierarchy', num_levels=4, feat_dim=64, bank_momentum=0.5),
)
default_hooks = dict(
    clustering=dict(
        type='HierarchicalClusteringHook',
        dataloader=_base_.plain_train_dataloader,
        warmup_epochs=3,
        recluster_interval=1,
        source=dict(type='KMeansSource', num_clusters=[100, 100, 100], seed=[0, 1, 2]),
        space='bank',
    ),
)
optim_wrapper = dict(optimizer=dict(lr=2e-2))
