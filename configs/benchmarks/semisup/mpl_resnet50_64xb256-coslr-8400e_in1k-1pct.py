# Meta Pseudo Labels on ImageNet with 1 % of the labels: as with 10 %. Not yet run by us.
_base_ = 'mpl_resnet50_64xb256-coslr-8400e_in1k-10pct.py'

train_dataloader = dict(dataset=dict(labeled=dict(ann_file='meta/train_1pct.txt')))
