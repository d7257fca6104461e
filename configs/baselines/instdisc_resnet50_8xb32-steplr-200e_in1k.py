# Reproduces InstDisc at 200 epochs on ImageNet-1k: a bank of 1,281,167 vectors, 4,096 negatives.
# Its paper reports 54.0 top-1 in linear evaluation, RCL's Table 1 quotes 58.5. Not run by us.
_base_ = [
    '../_base_/datasets/imagenet_bs32_mocov2.py',
    '../_base_/schedules/sgd_coslr_200e_in1k.py',
    '../_base_/imagenet_runtime.py',
]

jitter = dict(type='BatchColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.4)
data_preprocessor = dict(views=[[_base_.gray, jitter, _base_.flip]])
train_pipeline = [dict(type='RandomResizedCrops', views=[_base_.larger_crop]), *_base_.pack]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

model = dict(
    type='InstDisc',
    proximal_weight=0.0,
    backbone=dict(type='ResNet', depth=50, norm_cfg=dict(type='BN'), zero_init_residual=False),
    neck=dict(type='LinearNeck', in_channels=2048, out_channels=128, gap_dim=2, norm_cfg=None),
    head=dict(
        type='NoiseContrastiveHead',
        num_negatives=4096,
        loss=dict(type='NoiseContrastiveLoss', temperature=0.07),
    ),
    bank=dict(type='FeatureBank', length=1281167, feat_dim=128, momentum=0.5),
)
optim_wrapper = dict(optimizer=dict(lr=0.03))
param_scheduler = [dict(type='MultiStepLR', milestones=[120, 160], gamma=0.1, by_epoch=True)]
