# SwAV's recipe (Caron et al., NeurIPS 2020) for fine-tuning ResNet-50 on 10 % of ImageNet's labels:
# as for 1 %, with learning rate 0.01 for the trunk and 0.2 for the head. Not yet run by us.
_base_ = 'resnet50_8xb32-steplr-20e_in1k-1pct.py'

train_dataloader = dict(dataset=dict(ann_file='meta/train_10pct.txt'))
optim_wrapper = dict(
    optimizer=dict(lr=0.01), paramwise_cfg=dict(custom_keys={'head': dict(lr_mult=0.2 / 0.01)})
)
