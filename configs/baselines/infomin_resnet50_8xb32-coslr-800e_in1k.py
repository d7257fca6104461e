# InfoMin Aug. at 800 epochs on ImageNet-1k, MoCo v2 with stronger augmentation, without the jigsaw
# branch of the paper, which reports 73.0 top-1 in linear evaluation with it. Not run by us.
_base_ = [
    '../_base_/datasets/imagenet_bs32_infomin.py',
    '../_base_/schedules/sgd_coslr_200e_in1k.py',
    '../_base_/imagenet_runtime.py',
]

model = dict(
    type='MoCo',
    queue_len=65536,
    feat_dim=128,
    momentum=0.001,
    backbone=dict(type='ResNet', depth=50, norm_cfg=dict(type='BN'), zero_init_residual=False),
    neck=dict(type='MoCoV2Neck', in_channels=2048, hid_channels=2048, out_channels=128),
    head=dict(type='ContrastiveHead', loss=dict(type='CrossEntropyLoss'), temperature=0.15),
)
optim_wrapper = dict(optimizer=dict(lr=0.03))
param_scheduler = [
    dict(
        type='CosineAnnealingLR', T_max=800, by_epoch=True, begin=0, end=800,
        convert_to_iter_based=True,
    ),
]  # fmt: skip
train_cfg = dict(max_epochs=800)
