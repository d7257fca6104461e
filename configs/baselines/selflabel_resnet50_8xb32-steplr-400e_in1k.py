# Self-labelling at 400 epochs on ImageNet-1k, with one classifier of 3,000 classes, labelled anew
# every fourth epoch. Its paper reports 61.5 top-1 in linear evaluation with ten such classifiers.
# Not run by us.
_base_ = [
    '../_base_/datasets/imagenet_bs32_mocov2.py',
    '../_base_/schedules/sgd_coslr_200e_in1k.py',
    '../_base_/imagenet_runtime.py',
]

data_preprocessor = dict(views=[[_base_.mocov2_jitter, _base_.gray, _base_.flip]])
wider_crop = dict(scale=224, interpolation='bilinear')
train_pipeline = [dict(type='RandomResizedCrops', views=[wider_crop]), *_base_.pack]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

model = dict(
    type='ClusterClassifier',
    backbone=dict(type='ResNet', depth=50, norm_cfg=dict(type='SyncBN'), zero_init_residual=False),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='PseudoLabelHead',
        num_classes=3000,
        in_channels=2048,
        loss=dict(type='PseudoLabelLoss'),
    ),
    hierarchy=dict(type='PseudoLabels', num_classes=3000),
)
default_hooks = dict(
    clustering=dict(
        type='HierarchicalClusteringHook',
        dataloader=_base_.plain_train_dataloader,
        warmup_epochs=0,
        recluster_interval=4,
        source=dict(type='SinkhornSource', sharpness=25),
        space='scores',
    ),
)
optim_wrapper = dict(optimizer=dict(lr=0.05, weight_decay=1e-5))
param_scheduler = [dict(type='MultiStepLR', milestones=[150, 300], gamma=0.1, by_epoch=True)]
train_cfg = dict(max_epochs=400)
