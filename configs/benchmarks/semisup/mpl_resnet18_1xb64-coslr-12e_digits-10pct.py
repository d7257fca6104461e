# Meta Pseudo Labels on digits with 10 % of the labels, 143 images. Reproduces no table.
_base_ = 'mpl_resnet18_1xb64-coslr-12e_digits-1pct.py'

train_dataloader = dict(dataset=dict(labeled=dict(fraction=0.1)))
