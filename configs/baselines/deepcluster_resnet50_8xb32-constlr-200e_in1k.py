# DeepCluster at 200 epochs on ImageNet-1k with 10,000 clusters, made before each epoch. Its paper
# trains AlexNet and VGG-16 and has no figure for ResNet-50. Not run by us. K-means needs Python
# 3.11.
_base_ = [
    '../_base_/datasets/imagenet_bs32_mocov2.py',
    '../_base_/schedules/sgd_coslr_200e_in1k.py',
    '../_base_/imagenet_runtime.py',
]

data_preprocessor = dict(views=[[_base_.flip]])
wider_crop = dict(scale=224, interpolation='bilinear')
train_pipeline = [dict(type='RandomResizedCrops', views=[wider_crop]), *_base_.pack]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

model = dict(
    type='ClusterClassifier',
    backbone=dict(type='ResNet', depth=50, norm_cfg=dict(type='SyncBN'), zero_init_residual=False),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='PseudoLabelHead',
        num_classes=10000,
        in_channels=2048,
        loss=dict(type='PseudoLabelLoss', power=1.0),
    ),
    hierarchy=dict(type='PseudoLabels', num_classes=10000),
)
default_hooks = dict(
    clustering=dict(
        type='HierarchicalClusteringHook',
        dataloader=_base_.plain_train_dataloader,
        warmup_epochs=0,
        recluster_interval=1,
        source=dict(type='KMeansSource', num_clusters=[10000]),
    ),
    classifier_reset=dict(type='ClassifierResetHook', interval=1),
)
optim_wrapper = dict(optimizer=dict(lr=0.05, weight_decay=1e-5))
param_scheduler = []
