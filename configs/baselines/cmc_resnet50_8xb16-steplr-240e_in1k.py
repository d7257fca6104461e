# Reproduces CMC at 240 epochs on ImageNet-1k, for which its paper reports 66.2 top-1 in linear
# evaluation: Y and DbDr with a ResNet-50 each, RandAugment, 16,384 negatives. Not run by us.
_base_ = [
    '../_base_/datasets/imagenet_bs32_mocov2.py',
    '../_base_/schedules/sgd_coslr_200e_in1k.py',
    '../_base_/imagenet_runtime.py',
]

data_preprocessor = dict(views=[[_base_.flip]])
# RandAugment is mmpretrain's, on the CPU and after the crop.
train_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='RandomResizedCrop', scale=224, backend='pillow'),
    dict(
        type='RandAugment',
        policies='timm_increasing',
        num_policies=2,
        total_level=10,
        magnitude_level=10,
        hparams=dict(pad_val=[104, 116, 124], interpolation='bilinear'),
    ),
    *_base_.pack,
]
train_dataloader = dict(batch_size=16, dataset=dict(pipeline=train_pipeline))

encoder = dict(type='ResNet', depth=50, norm_cfg=dict(type='BN'), zero_init_residual=False)
model = dict(
    type='CMC',
    backbone=dict(
        type='HalvesBackbone',
        halves=dict(type='ColorHalves', space='YDbDr'),
        encoders=[dict(encoder, in_channels=1), dict(encoder, in_channels=2)],
    ),
    neck=dict(type='LinearNeck', in_channels=2048, out_channels=128, gap_dim=2, norm_cfg=None),
    head=dict(
        type='NoiseContrastiveHead',
        num_negatives=16384,
        loss=dict(type='NoiseContrastiveLoss', temperature=0.07),
    ),
    bank=dict(type='FeatureBank', length=1281167, feat_dim=128, momentum=0.5),
)
optim_wrapper = dict(optimizer=dict(lr=0.03))
auto_scale_lr = dict(base_batch_size=128)
param_scheduler = [dict(type='MultiStepLR', milestones=[120, 160, 200], gamma=0.1, by_epoch=True)]
train_cfg = dict(max_epochs=240)
