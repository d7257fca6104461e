# PCL on scikit-learn's digits: prototypes by K-means each epoch, after six epochs without. Widths,
# queue, clusters and momentum are chosen for 1,442 images; backbone, views and schedule are RCL's.
# Reproduces no table. K-means needs Python 3.11.
_base_ = '../_base_/baseline_digits_30e.py'

model = dict(
    type='PCL',
    momentum=0.05,
    # With batch norm: without, features collapsed under this optimiser.
    neck=dict(
        type='NonLinearNeck',
        in_channels=128,
        hid_channels=256,
        out_channels=64,
        norm_cfg=dict(type='BN1d'),
    ),
    head=dict(
        type='ProtoNCEHead',
        instance_loss=dict(type='RelativeContrastiveLoss', temperature=0.2),
        prototype_loss=dict(type='PrototypicalLoss'),
    ),
    queue=dict(type='SupportQueue', length=1024, feat_dim=64),
    hierarchy=dict(type='PrototypeHierarchy', num_levels=4, feat_dim=64, temperature=0.2, alpha=10),
)
default_hooks = dict(
    clustering=dict(
        type='HierarchicalClusteringHook',
        dataloader=_base_.plain_train_dataloader,
        warmup_epochs=6,
        recluster_interval=1,
        source=dict(type='KMeansSource', num_clusters=[100, 50, 25]),
    ),
)
optim_wrapper = dict(optimizer=dict(lr=6e-3))
