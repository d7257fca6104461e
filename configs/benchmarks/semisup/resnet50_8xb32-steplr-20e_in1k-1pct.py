# SwAV's recipe (Caron et al., NeurIPS 2020) for fine-tuning ResNet-50 on 1 % of ImageNet's labels:
# batch 256, learning rate 0.02 for the trunk and 5 for the head, 20 epochs with steps at 12 and 16,
# no weight decay, no warm-up. Not yet run by us.
_base_ = [
    '../_base_/imagenet_classification.py',
    '_base_/finetune_resnet50.py',
    '../../_base_/default_runtime.py',
]

train_dataloader = dict(batch_size=32, drop_last=True, dataset=dict(ann_file='meta/train_1pct.txt'))

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.02, momentum=0.9, weight_decay=0.0),
    paramwise_cfg=dict(custom_keys={'head': dict(lr_mult=5 / 0.02)}),
)
auto_scale_lr = dict(base_batch_size=256)
param_scheduler = [
    dict(type='MultiStepLR', milestones=[12, 16], gamma=0.2, by_epoch=True, begin=0, end=20),
]
train_cfg = dict(type='ResumableTrainLoop', max_epochs=20, val_interval=5)
