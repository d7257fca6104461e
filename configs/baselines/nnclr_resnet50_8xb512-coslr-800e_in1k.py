# Reproduces NNCLR at 800 epochs on ImageNet-1k, for which RCL's Table 1 has 75.4 top-1 in linear
# evaluation. Not run by us.
_base_ = 'nnclr_resnet50_8xb512-coslr-200e_in1k.py'

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
