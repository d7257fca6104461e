# FixMatch on ImageNet with 1 % of the labels: as with 10 %. Not yet run by us.
_base_ = 'fixmatch_resnet50_32xb192-steplr-1500e_in1k-10pct.py'

train_dataloader = dict(dataset=dict(labeled=dict(ann_file='meta/train_1pct.txt')))
