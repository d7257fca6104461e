# BYOL's recipe (Grill et al., NeurIPS 2020) for fine-tuning ResNet-50 on 1 % of ImageNet's labels:
# batch 1024, Nesterov momentum, no weight decay. The paper searches learning rates (0.005, 0.01,
# 0.02, 0.05, 0.1) and epochs (30, 50) on held-out training images; 0.02 and 30 are to start from.
# The cosine schedule is our choice. Not yet run by us.
_base_ = [
    '../_base_/imagenet_classification.py',
    '_base_/finetune_resnet50.py',
    '../../_base_/default_runtime.py',
]

train_dataloader = dict(
    batch_size=128, drop_last=True, dataset=dict(ann_file='meta/train_1pct.txt')
)

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.02, momentum=0.9, nesterov=True, weight_decay=0.0),
)
auto_scale_lr = dict(base_batch_size=1024)
param_scheduler = [
    dict(
        type='CosineAnnealingLR', T_max=30, by_epoch=True, begin=0, end=30,
        convert_to_iter_based=True,
    ),
]  # fmt: skip
train_cfg = dict(type='ResumableTrainLoop', max_epochs=30, val_interval=10)
