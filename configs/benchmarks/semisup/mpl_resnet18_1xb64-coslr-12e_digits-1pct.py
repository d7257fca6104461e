# Meta Pseudo Labels (Pham et al., CVPR 2021) on digits with 1 % of the labels. Reproduces no table.
# The teacher is UDA's without annealing, its weight rises in the first tenth of the training. An
# average of the weights over about 100 steps is tested. Settings are ours.
_base_ = ['_base_/partly-labeled_digits.py', '../../_base_/default_runtime.py']

model = dict(
    type='MetaPseudoLabels',
    teacher=dict(
        target=dict(type='SharpenedTarget', temperature=0.4, threshold=0.8), ramp=(0.0, 0.1)
    ),
    student_rate=0.03,
)
default_hooks = dict(
    ema=dict(type='EMAHook', ema_type='ForeachEMA', momentum=0.01, update_buffers=True)
)
