# SimCLR at 800 epochs on ImageNet-1k with a batch of 4096, as RCL's Table 1 has it, with 69.3 top-1
# in linear evaluation; its paper reports this after 1000. Not run by us.
_base_ = [
    '../_base_/models/simclr_resnet50.py',
    '../_base_/datasets/imagenet_bs512_simclr.py',
    '../_base_/schedules/lars_coslr_200e.py',
    '../_base_/imagenet_runtime.py',
]

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
