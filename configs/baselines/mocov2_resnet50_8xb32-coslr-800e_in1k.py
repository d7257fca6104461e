# Reproduces MoCo v2 at 800 epochs on ImageNet-1k, for which its paper reports 71.1 top-1 in linear
# evaluation. Not run by us.
_base_ = [
    '../_base_/models/mocov2_resnet50.py',
    '../_base_/datasets/imagenet_bs32_mocov2.py',
    '../_base_/schedules/sgd_coslr_200e_in1k.py',
    '../_base_/imagenet_runtime.py',
]

optim_wrapper = dict(optimizer=dict(lr=0.03))
param_scheduler = [
    dict(
        type='CosineAnnealingLR', T_max=800, by_epoch=True, begin=0, end=800,
        convert_to_iter_based=True,
    ),
]  # fmt: skip
train_cfg = dict(max_epochs=800)
