# ODC at 440 epochs on ImageNet-1k with 10,000 clusters. RCL's Table 1 quotes 57.6 top-1 in linear
# evaluation. Not run by us. K-means, before the first epoch, needs Python 3.11.
_base_ = [
    '../_base_/datasets/imagenet_bs32_mocov2.py',
    '../_base_/schedules/sgd_coslr_200e_in1k.py',
    '../_base_/imagenet_runtime.py',
]

view = [
    dict(type='BatchColorJitter', brightness=0.4, contrast=0.4, saturation=1.0, hue=0.5),
    _base_.gray,
    _base_.flip,
]
data_preprocessor = dict(views=[view])
wider_crop = dict(scale=224, interpolation='bilinear')
train_pipeline = [dict(type='RandomResizedCrops', views=[wider_crop]), *_base_.pack]
train_dataloader = dict(batch_size=64, dataset=dict(pipeline=train_pipeline))

model = dict(
    type='ODC',
    backbone=dict(type='ResNet', depth=50, norm_cfg=dict(type='SyncBN'), zero_init_residual=False),
    neck=dict(
        type='NonLinearNeck',
        in_channels=2048,
        hid_channels=512,
        out_channels=256,
        with_bias=True,
        with_last_bn=False,
        with_last_bias=True,
    ),
    head=dict(
        type='PseudoLabelHead',
        num_classes=10000,
        in_channels=256,
        loss=dict(type='PseudoLabelLoss', power=0.5),
    ),
    hierarchy=dict(type='OnlineClusters', num_classes=10000, min_size=20, feat_dim=256),
)
default_hooks = dict(
    clustering=dict(
        type='HierarchicalClusteringHook',
        dataloader=_base_.plain_train_dataloader,
        warmup_epochs=0,
        source=dict(type='KMeansSource', num_clusters=[10000]),
    ),
    centroids=dict(type='CentroidUpdateHook', interval=10),
)
optim_wrapper = dict(optimizer=dict(lr=0.06, weight_decay=1e-5))
auto_scale_lr = dict(base_batch_size=512)
param_scheduler = [dict(type='MultiStepLR', milestones=[400], gamma=0.4, by_epoch=True)]
train_cfg = dict(max_epochs=440)
