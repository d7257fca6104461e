# The supervised baseline of the semi-supervised methods on digits with 1 % of the labels: the same
# 300 steps, optimiser and weak view, on the labelled images alone. Reproduces no table.
_base_ = ['_base_/partly-labeled_digits.py', '../../_base_/default_runtime.py']

data_preprocessor = dict(type='ClsDataPreprocessor')
model = dict(type='ImageClassifier')
digits = dict(
    type='Digits',
    split='train',
    scale=16,
    pipeline=[_base_.crop, dict(type='PackInputs')],
)
train_dataloader = dict(
    batch_size=10,
    sampler=dict(_delete_=True, type='DefaultSampler', shuffle=True),
    dataset=dict(_delete_=True, type='BalancedShare', fraction=0.01, seed=0, dataset=digits),
)
auto_scale_lr = dict(base_batch_size=10)
param_scheduler = [
    dict(
        type='CosineAnnealingLR', T_max=300, by_epoch=True, begin=0, end=300,
        convert_to_iter_based=True,
    ),
]  # fmt: skip
train_cfg = dict(max_epochs=300, val_interval=300)
default_hooks = dict(checkpoint=dict(interval=300))
