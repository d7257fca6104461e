# FixMatch (Sohn et al., NeurIPS 2020) on digits with 1 % of the labels, one image per class, which
# train_dataloader.dataset.labeled.seed selects. Reproduces no table. Threshold, ratio of unlabelled
# images and weight are the paper's for CIFAR-10, the rest is ours. An average of the weights over
# about 100 steps is tested.
_base_ = ['_base_/partly-labeled_digits.py', '../../_base_/default_runtime.py']

model = dict(type='SemiSupervisedClassifier', target=dict(type='ArgmaxTarget', threshold=0.95))
default_hooks = dict(
    ema=dict(type='EMAHook', ema_type='ForeachEMA', momentum=0.01, update_buffers=True)
)
