# Pseudo-labels on ImageNet with 1 % of the labels: as with 10 %. Not yet run by us.
_base_ = 'pseudolabel_resnet50_8xb64-steplr-20e_in1k-10pct.py'

train_dataloader = dict(dataset=dict(labeled=dict(ann_file='meta/train_1pct.txt')))
