# ODC on scikit-learn's digits, one view of each image. Widths, number and least size of clusters
# and the interval of the centroids are chosen for 1,442 images; backbone, view and schedule are
# RCL's. Reproduces no table. K-means, before the first epoch, needs Python 3.11.
_base_ = '../_base_/baseline_digits_30e.py'

data_preprocessor = dict(views=[_base_.view])

model = dict(
    type='ODC',
    neck=dict(
        type='NonLinearNeck',
        in_channels=128,
        hid_channels=256,
        out_channels=64,
        norm_cfg=dict(type='BN1d'),
    ),
    head=dict(
        type='PseudoLabelHead',
        num_classes=100,
        in_channels=64,
        loss=dict(type='PseudoLabelLoss', power=0.5),
    ),
    hierarchy=dict(type='OnlineClusters', num_classes=100, min_size=3, feat_dim=64),
)
default_hooks = dict(
    clustering=dict(
        type='HierarchicalClusteringHook',
        dataloader=_base_.plain_train_dataloader,
        warmup_epochs=0,
        source=dict(type='KMeansSource', num_clusters=[100]),
    ),
    centroids=dict(type='CentroidUpdateHook', interval=2),
)
optim_wrapper = dict(optimizer=dict(lr=6e-3))
