# BYOL's recipe (Grill et al., NeurIPS 2020) for fine-tuning ResNet-50 on 10 % of ImageNet's labels:
# as for 1 %, with 50 epochs of the paper's 30 and 50. Not yet run by us.
_base_ = 'resnet50_8xb128-coslr-30e_in1k-1pct.py'

train_dataloader = dict(dataset=dict(ann_file='meta/train_10pct.txt'))
param_scheduler = [
    dict(
        type='CosineAnnealingLR', T_max=50, by_epoch=True, begin=0, end=50,
        convert_to_iter_based=True,
    ),
]  # fmt: skip
train_cfg = dict(max_epochs=50)
