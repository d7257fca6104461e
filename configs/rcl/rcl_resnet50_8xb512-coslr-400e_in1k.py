# Reproduces RCL at 400 epochs on ImageNet-1k (Fig. 5a).
_base_ = 'rcl_resnet50_8xb512-coslr-200e_in1k.py'

param_scheduler = [
    dict(
        type='LinearLR', start_factor=1e-4, by_epoch=True, begin=0, end=10,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR', T_max=390, by_epoch=True, begin=10, end=400,
        convert_to_iter_based=True,
    ),
]  # fmt: skip
train_cfg = dict(max_epochs=400)
