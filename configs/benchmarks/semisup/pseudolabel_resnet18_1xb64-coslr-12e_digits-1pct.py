# Pseudo-labels (Lee, ICML workshop 2013) on digits with 1 % of the labels. Reproduces no table.
# There is one view, which is its own target. The weight of the unlabelled images rises from a tenth
# to six tenths of the training; its last value is 1, the paper's 3.
_base_ = ['_base_/partly-labeled_digits.py', '../../_base_/default_runtime.py']

model = dict(type='SemiSupervisedClassifier', target=dict(type='ArgmaxTarget'), ramp=(0.1, 0.6))
pipeline = [_base_.crop, dict(type='PackInputs')]
train_dataloader = dict(
    dataset=dict(
        labeled=dict(dataset=dict(pipeline=pipeline)),
        unlabeled=dict(pipeline=pipeline),
    )
)
