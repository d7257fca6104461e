# Reproduces AdCo without the symmetric loss at 200 epochs on ImageNet-1k, for which its paper
# reports 68.6 top-1 in linear evaluation; symmetric=True is published with 70.6. Not run by us.
_base_ = [
    '../_base_/datasets/imagenet_bs32_mocov2.py',
    '../_base_/schedules/sgd_coslr_200e_in1k.py',
    '../_base_/imagenet_runtime.py',
]

model = dict(
    type='AdCo',
    momentum=0.001,
    backbone=dict(type='ResNet', depth=50, norm_cfg=dict(type='SyncBN'), zero_init_residual=False),
    neck=dict(type='MoCoV2Neck', in_channels=2048, hid_channels=2048, out_channels=128),
    head=dict(type='ContrastiveHead', loss=dict(type='CrossEntropyLoss'), temperature=0.12),
    adversary=dict(type='ContrastiveHead', loss=dict(type='CrossEntropyLoss'), temperature=0.02),
    queue=dict(type='AdversarialNegatives', length=65536, feat_dim=128),
)
# 3.0 for the negatives.
optim_wrapper = dict(
    optimizer=dict(lr=0.03), paramwise_cfg=dict(custom_keys=dict(queue=dict(lr_mult=100)))
)
