# SimCLR at 200 epochs on ImageNet-1k with a batch of 4096. Its paper reports 69.3 top-1 in linear
# evaluation after 1000. Not run by us.
_base_ = [
    '../_base_/datasets/imagenet_bs512_simclr.py',
    '../_base_/schedules/lars_coslr_200e.py',
    '../_base_/imagenet_runtime.py',
]

model = dict(
    type='SimCLR',
    backbone=dict(type='ResNet', depth=50, norm_cfg=dict(type='SyncBN'), zero_init_residual=True),
    neck=dict(type='NonLinearNeck', in_channels=2048, hid_channels=2048, out_channels=128),
    head=dict(type='ContrastiveHead', loss=dict(type='CrossEntropyLoss'), temperature=0.1),
)
