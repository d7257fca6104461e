# Linear evaluation: a frozen encoder in eval mode, so that its batch norms keep their statistics,
# and a linear classifier trained for 90 epochs along a cosine. Configs set encoder and optimiser.
_base_ = '../../_base_/default_runtime.py'

model = dict(
    type='ImageClassifier',
    backbone=dict(
        frozen_stages=4,
        norm_eval=True,
        norm_cfg=dict(type='BN'),
        init_cfg=dict(type='mmrcl.StrictPretrained', checkpoint=None),
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', loss=dict(type='CrossEntropyLoss'), topk=(1, 5)),
)

param_scheduler = [
    dict(
        type='CosineAnnealingLR', T_max=90, by_epoch=True, begin=0, end=90,
        convert_to_iter_based=True,
    ),
]  # fmt: skip
train_cfg = dict(type='ResumableTrainLoop', max_epochs=90)
val_cfg = dict(type='ValLoop')
val_evaluator = [dict(type='Accuracy', topk=(1, 5))]
default_hooks = dict(checkpoint=dict(save_best='accuracy/top1'))
