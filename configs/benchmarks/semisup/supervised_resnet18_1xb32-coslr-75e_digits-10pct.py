# The supervised baseline on digits with 10 % of the labels: 75 epochs of 4 steps. Reproduces no
# table.
_base_ = 'supervised_resnet18_1xb10-coslr-300e_digits-1pct.py'

train_dataloader = dict(batch_size=32, dataset=dict(fraction=0.1))
auto_scale_lr = dict(base_batch_size=32)
param_scheduler = [
    dict(
        type='CosineAnnealingLR', T_max=75, by_epoch=True, begin=0, end=75,
        convert_to_iter_based=True,
    ),
]  # fmt: skip
train_cfg = dict(max_epochs=75, val_interval=75)
default_hooks = dict(checkpoint=dict(interval=75))
