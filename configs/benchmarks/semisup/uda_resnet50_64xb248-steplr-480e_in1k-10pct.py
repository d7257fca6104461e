# UDA (Xie et al., NeurIPS 2020) on ImageNet with 10 % of the labels: 512 labelled and 15,360
# unlabelled images a step, 40,000 steps, rate 0.3, temperature 0.4 and threshold 0.5. Weight decay,
# warm-up, the steps of the rate and linear annealing of the labels are our choice. Not yet run by
# us.
_base_ = [
    '_base_/partly-labeled_imagenet.py',
    '_base_/finetune_resnet50.py',
    '../../_base_/default_runtime.py',
]

model = dict(
    type='SemiSupervisedClassifier',
    target=dict(type='SharpenedTarget', temperature=0.4, threshold=0.5),
    head=dict(loss=dict(_delete_=True, type='AnnealedCrossEntropyLoss', schedule='linear')),
)
train_dataloader = dict(batch_size=248, sampler=dict(unlabeled_per_labeled=30))

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.3, momentum=0.9, nesterov=True, weight_decay=1e-4),
)
auto_scale_lr = dict(base_batch_size=15872)
param_scheduler = [
    dict(
        type='LinearLR', start_factor=1e-3, by_epoch=True, begin=0, end=30,
        convert_to_iter_based=True,
    ),
    dict(
        type='MultiStepLR', milestones=[160, 320, 420], gamma=0.1, by_epoch=True, begin=30, end=480,
    ),
]  # fmt: skip
train_cfg = dict(type='ResumableTrainLoop', max_epochs=480, val_interval=40)
