# ResNet-50 and a linear head, fine-tuned as a whole. Configs set batch, labels and rates.
model = dict(
    type='ImageClassifier',
    backbone=dict(
        type='ResNet',
        depth=50,
        norm_cfg=dict(type='SyncBN'),
        zero_init_residual=False,
        init_cfg=dict(type='mmrcl.StrictPretrained', checkpoint=None),
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead',
        num_classes=1000,
        in_channels=2048,
        topk=(1, 5),
        loss=dict(type='CrossEntropyLoss', loss_weight=1.0),
    ),
)

val_evaluator = [dict(type='Accuracy', topk=(1, 5))]
val_cfg = dict(type='ValLoop')
