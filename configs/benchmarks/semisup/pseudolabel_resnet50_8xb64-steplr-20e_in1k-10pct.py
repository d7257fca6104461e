# Pseudo-labels (Lee, ICML workshop 2013) on ImageNet with 10 % of the labels: 256 labelled and 256
# unlabelled images a step and 100,000 steps. Batch, rate, weight decay and steps are those of the
# supervised baseline beside, the weight and its rise are ours. Not yet run by us.
_base_ = [
    '_base_/partly-labeled_imagenet.py',
    '_base_/finetune_resnet50.py',
    '../../_base_/default_runtime.py',
]

model = dict(type='SemiSupervisedClassifier', target=dict(type='ArgmaxTarget'), ramp=(0.1, 0.6))
pipeline = [_base_.load, *_base_.weak, dict(type='PackInputs')]
train_dataloader = dict(
    batch_size=64,
    sampler=dict(unlabeled_per_labeled=1),
    dataset=dict(labeled=dict(pipeline=pipeline), unlabeled=dict(pipeline=pipeline)),
)

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3),
)
auto_scale_lr = dict(base_batch_size=512)
param_scheduler = [
    dict(type='MultiStepLR', milestones=[14, 16, 18], gamma=0.1, by_epoch=True, begin=0, end=20),
]
train_cfg = dict(type='ResumableTrainLoop', max_epochs=20, val_interval=2)
