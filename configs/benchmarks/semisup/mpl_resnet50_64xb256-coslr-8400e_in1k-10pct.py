# Meta Pseudo Labels (Pham et al., CVPR 2021) on ImageNet with 10 % of the labels: 1,024 labelled
# and 15,360 unlabelled images a step and 700,000 steps, which are 8,400 epochs. Batch, rates,
# weight decay, smoothing, the teacher's UDA and the average of the weights are those of the
# authors' code. There the student waits for 20,000 steps; here it starts at once. Not yet run by
# us.
_base_ = [
    '_base_/partly-labeled_imagenet.py',
    '_base_/finetune_resnet50.py',
    '../../_base_/default_runtime.py',
]

model = dict(
    type='MetaPseudoLabels',
    teacher=dict(
        target=dict(type='SharpenedTarget', temperature=0.5, threshold=0.6),
        unlabeled_weight=20.0,
        ramp=(0.0, 50 / 700),
    ),
    student_rate=0.1,
    head=dict(
        loss=dict(_delete_=True, type='LabelSmoothLoss', label_smooth_val=0.1, mode='original')
    ),
)
train_dataloader = dict(batch_size=256, sampler=dict(unlabeled_per_labeled=15))
default_hooks = dict(
    ema=dict(type='EMAHook', ema_type='ForeachEMA', momentum=0.001, update_buffers=True)
)

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={'teacher': dict(lr_mult=1.5)}),
    clip_grad=dict(max_norm=5.0),
)
auto_scale_lr = dict(base_batch_size=16384)
param_scheduler = [
    dict(
        type='LinearLR', start_factor=1e-3, by_epoch=True, begin=0, end=60,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR', T_max=8340, by_epoch=True, begin=60, end=8400,
        convert_to_iter_based=True,
    ),
]  # fmt: skip
train_cfg = dict(type='ResumableTrainLoop', max_epochs=8400, val_interval=100)
