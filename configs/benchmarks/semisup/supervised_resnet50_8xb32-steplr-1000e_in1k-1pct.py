# The supervised baseline of Table 2 on 1 % of ImageNet's labels: as for 10 %, with 1,000 epochs
# and ten times the weight decay, which are our choice. Not yet run by us.
_base_ = 'supervised_resnet50_8xb32-steplr-200e_in1k-10pct.py'

train_dataloader = dict(dataset=dict(ann_file='meta/train_1pct.txt'))
optim_wrapper = dict(optimizer=dict(weight_decay=1e-2))
param_scheduler = [
    dict(
        type='LinearLR', start_factor=1e-3, by_epoch=True, begin=0, end=25,
        convert_to_iter_based=True,
    ),
    dict(
        type='MultiStepLR', milestones=[700, 800, 900], gamma=0.1, by_epoch=True, begin=25,
        end=1000,
    ),
]  # fmt: skip
train_cfg = dict(max_epochs=1000, val_interval=100)
