# FixMatch (Sohn et al., NeurIPS 2020) on ImageNet with 10 % of the labels: 1,024 labelled and 5,120
# unlabelled images a step, threshold 0.7, weight 10, and an average of the weights, as in the
# authors' code; so are rate, weight decay and schedule. 1,500 epochs are its 375,000 steps. Not yet
# run by us.
_base_ = [
    '_base_/partly-labeled_imagenet.py',
    '_base_/finetune_resnet50.py',
    '../../_base_/default_runtime.py',
]

model = dict(
    type='SemiSupervisedClassifier',
    target=dict(type='ArgmaxTarget', threshold=0.7),
    unlabeled_weight=10.0,
)
train_dataloader = dict(batch_size=192)
default_hooks = dict(
    ema=dict(type='EMAHook', ema_type='ForeachEMA', momentum=0.001, update_buffers=True)
)

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.4, momentum=0.9, nesterov=True, weight_decay=3e-4),
)
auto_scale_lr = dict(base_batch_size=6144)
param_scheduler = [
    dict(
        type='LinearLR', start_factor=1e-3, by_epoch=True, begin=0, end=25,
        convert_to_iter_based=True,
    ),
    dict(
        type='MultiStepLR', milestones=[250, 500, 750, 1000, 1250], gamma=0.1, by_epoch=True,
        begin=25, end=1500,
    ),
]  # fmt: skip
train_cfg = dict(type='ResumableTrainLoop', max_epochs=1500, val_interval=50)
