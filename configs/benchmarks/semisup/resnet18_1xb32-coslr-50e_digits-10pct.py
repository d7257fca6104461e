# Fine-tunes the encoder of the digits configs on 10 % of the labels, 143 images. Reproduces no
# table.
_base_ = 'resnet18_1xb10-coslr-200e_digits-1pct.py'

train_dataloader = dict(batch_size=32, dataset=dict(fraction=0.1))
optim_wrapper = dict(optimizer=dict(lr=0.3))
auto_scale_lr = dict(base_batch_size=32)
param_scheduler = [
    dict(
        type='CosineAnnealingLR', T_max=50, by_epoch=True, begin=0, end=50,
        convert_to_iter_based=True,
    ),
]  # fmt: skip
# Epochs of 4 iterations.
train_cfg = dict(max_epochs=50, val_interval=50)
default_hooks = dict(checkpoint=dict(interval=50))
