# Reproduces LocalAgg at 200 epochs on ImageNet-1k: 4,096 background neighbours, and close ones from
# ten clusterings into 30,000 clusters before each epoch, after ten epochs of instance recognition.
# Its paper reports 58.8 top-1 in linear evaluation. Not run by us. K-means needs Python 3.11.
_base_ = [
    '../_base_/datasets/imagenet_bs32_mocov2.py',
    '../_base_/schedules/sgd_coslr_200e_in1k.py',
    '../_base_/imagenet_runtime.py',
]

jitter = dict(type='BatchColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.4)
data_preprocessor = dict(views=[[_base_.gray, jitter, _base_.flip]])
train_pipeline = [dict(type='RandomResizedCrops', views=[_base_.larger_crop]), *_base_.pack]
train_dataloader = dict(batch_size=16, dataset=dict(pipeline=train_pipeline))

model = dict(
    type='LocalAgg',
    backbone=dict(type='ResNet', depth=50, norm_cfg=dict(type='BN'), zero_init_residual=False),
    neck=dict(type='LinearNeck', in_channels=2048, out_channels=128, gap_dim=2, norm_cfg=None),
    head=dict(
        type='LocalAggregationHead',
        num_background=4096,
        loss=dict(type='LocalAggregationLoss', temperature=0.07),
    ),
    hierarchy=dict(type='LabelHierarchy', num_levels=11, feat_dim=128, bank_momentum=0.5),
)
default_hooks = dict(
    clustering=dict(
        type='HierarchicalClusteringHook',
        dataloader=_base_.plain_train_dataloader,
        warmup_epochs=10,
        recluster_interval=1,
        source=dict(type='KMeansSource', num_clusters=[30000] * 10, seed=list(range(10))),
        space='bank',
    ),
)
optim_wrapper = dict(optimizer=dict(lr=0.03))
auto_scale_lr = dict(base_batch_size=128)
param_scheduler = [dict(type='MultiStepLR', milestones=[152, 189], gamma=0.1, by_epoch=True)]
