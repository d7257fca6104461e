# UDA on ImageNet with 1 % of the labels: as with 10 %. Not yet run by us.
_base_ = 'uda_resnet50_64xb248-steplr-480e_in1k-10pct.py'

train_dataloader = dict(dataset=dict(labeled=dict(ann_file='meta/train_1pct.txt')))
