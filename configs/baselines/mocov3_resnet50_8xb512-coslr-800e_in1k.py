# MoCo v3 with ResNet-50 at 800 epochs on ImageNet-1k, for which RCL's Table 1 has 73.8 top-1 in
# linear evaluation: m from 0.996 and weight decay 1.5e-6, which its authors publish for 1000
# epochs. Not run by us.
_base_ = [
    '../_base_/models/mocov3_resnet50.py',
    '../_base_/datasets/imagenet_bs512_mocov3.py',
    '../_base_/schedules/lars_coslr_200e.py',
    '../_base_/imagenet_runtime.py',
]

model = dict(base_momentum=0.004)
optim_wrapper = dict(optimizer=dict(weight_decay=1.5e-6))
param_scheduler = [
    dict(
        type='LinearLR', start_factor=1e-4, by_epoch=True, begin=0, end=10,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR', T_max=790, by_epoch=True, begin=10, end=800,
        convert_to_iter_based=True,
    ),
]  # fmt: skip
train_cfg = dict(max_epochs=800)
