# UDA (Xie et al., NeurIPS 2020) on digits with 1 % of the labels. Reproduces no table. Temperature,
# threshold and ratio of unlabelled images are those of the authors' code for CIFAR-10, the rest is
# ours. The labels are annealed linearly.
_base_ = ['_base_/partly-labeled_digits.py', '../../_base_/default_runtime.py']

model = dict(
    type='SemiSupervisedClassifier',
    target=dict(type='SharpenedTarget', temperature=0.4, threshold=0.8),
    head=dict(loss=dict(_delete_=True, type='AnnealedCrossEntropyLoss', schedule='linear')),
)
