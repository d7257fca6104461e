# Reproduces PCL v2 at 200 epochs on ImageNet-1k, for which its authors report 67.6 top-1 in linear
# evaluation: MoCo v2's projector and augmentation; 100,000, 50,000 and 25,000 clusters made each
# epoch, after 20 epochs without. Not run by us. K-means needs Python 3.11.
_base_ = [
    '../_base_/datasets/imagenet_bs32_mocov2.py',
    '../_base_/schedules/sgd_coslr_200e_in1k.py',
    '../_base_/imagenet_runtime.py',
]

model = dict(
    type='PCL',
    momentum=0.001,
    backbone=dict(type='ResNet', depth=50, norm_cfg=dict(type='BN'), zero_init_residual=False),
    neck=dict(type='MoCoV2Neck', in_channels=2048, hid_channels=2048, out_channels=128),
    head=dict(
        type='ProtoNCEHead',
        instance_loss=dict(type='RelativeContrastiveLoss', temperature=0.2),
        prototype_loss=dict(type='PrototypicalLoss'),
    ),
    queue=dict(type='SupportQueue', length=16384, feat_dim=128),
    hierarchy=dict(
        type='PrototypeHierarchy', num_levels=4, feat_dim=128, temperature=0.2, alpha=10
    ),
)
default_hooks = dict(
    clustering=dict(
        type='HierarchicalClusteringHook',
        dataloader=_base_.plain_train_dataloader,
        warmup_epochs=20,
        recluster_interval=1,
        source=dict(type='KMeansSource', num_clusters=[100000, 50000, 25000]),
    ),
)
optim_wrapper = dict(optimizer=dict(lr=0.03))
