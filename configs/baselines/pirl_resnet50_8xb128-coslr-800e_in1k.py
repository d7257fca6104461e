# Reproduces PIRL at 800 epochs on ImageNet-1k, for which its paper reports 63.6 top-1 in linear
# evaluation: nine patches of 64 x 64 pixels from a crop of 255 x 255, 32,000 negatives, a batch of
# 1,024. Not run by us.
_base_ = [
    '../_base_/datasets/imagenet_bs32_mocov2.py',
    '../_base_/schedules/sgd_coslr_200e_in1k.py',
    '../_base_/imagenet_runtime.py',
]

jitter = dict(type='BatchColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.2)
image = [_base_.flip, jitter, _base_.gray]
data_preprocessor = dict(views=[image, [*image, dict(type='BatchJigsaw', grid=3, patch=64)]])
crops = [
    dict(scale=224, interpolation='bilinear'),
    dict(scale=255, crop_ratio_range=(0.6, 1.0), interpolation='bilinear'),
]
train_pipeline = [dict(type='RandomResizedCrops', views=crops), *_base_.pack]
train_dataloader = dict(batch_size=128, dataset=dict(pipeline=train_pipeline))

model = dict(
    type='PIRL',
    patch_weight=0.5,
    backbone=dict(type='ResNet', depth=50, norm_cfg=dict(type='BN'), zero_init_residual=False),
    neck=dict(type='LinearNeck', in_channels=2048, out_channels=128, gap_dim=2, norm_cfg=None),
    patch_neck=dict(type='JigsawNeck', in_channels=2048, out_channels=128, num_patches=9),
    head=dict(
        type='NoiseContrastiveHead',
        num_negatives=32000,
        loss=dict(type='NoiseContrastiveLoss', temperature=0.07, normalizer='query'),
    ),
    bank=dict(type='FeatureBank', length=1281167, feat_dim=128, momentum=0.5),
)
optim_wrapper = dict(
    optimizer=dict(lr=0.12), paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0)
)
auto_scale_lr = dict(base_batch_size=1024)
param_scheduler = [
    dict(
        type='CosineAnnealingLR', T_max=800, eta_min=1.2e-4, by_epoch=True, begin=0, end=800,
        convert_to_iter_based=True,
    ),
]  # fmt: skip
train_cfg = dict(max_epochs=800)
