# The supervised baseline of Table 2 on 10 % of ImageNet's labels, from random initialisation, as in
# S4L (Zhai et al., ICCV 2019): 200 epochs with steps at 140, 160 and 180, rate 0.1, strong weight
# decay. Batch 256 and the warm-up are our choice. Not yet run by us.
_base_ = [
    '../_base_/imagenet_classification.py',
    '_base_/finetune_resnet50.py',
    '../../_base_/default_runtime.py',
]

train_dataloader = dict(
    batch_size=32, drop_last=True, dataset=dict(ann_file='meta/train_10pct.txt')
)
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=1e-3)
)
auto_scale_lr = dict(base_batch_size=256)
param_scheduler = [
    dict(
        type='LinearLR', start_factor=1e-3, by_epoch=True, begin=0, end=5,
        convert_to_iter_based=True,
    ),
    dict(
        type='MultiStepLR', milestones=[140, 160, 180], gamma=0.1, by_epoch=True, begin=5, end=200,
    ),
]  # fmt: skip
train_cfg = dict(type='ResumableTrainLoop', max_epochs=200, val_interval=20)
