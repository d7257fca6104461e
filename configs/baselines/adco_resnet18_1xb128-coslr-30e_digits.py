# AdCo on scikit-learn's digits, with the symmetric loss. Widths, negatives, their learning rate,
# temperatures and momentum are chosen for 1,442 images; backbone, views and schedule are RCL's.
# Reproduces no table.
_base_ = '../_base_/baseline_digits_30e.py'

model = dict(
    type='AdCo',
    symmetric=True,
    momentum=0.05,
    # With batch norm, as MoCo v2 here.
    neck=dict(
        type='NonLinearNeck',
        in_channels=128,
        hid_channels=256,
        out_channels=64,
        norm_cfg=dict(type='BN1d'),
    ),
    head=dict(type='ContrastiveHead', loss=dict(type='CrossEntropyLoss'), temperature=0.2),
    adversary=dict(type='ContrastiveHead', loss=dict(type='CrossEntropyLoss'), temperature=0.1),
    queue=dict(type='AdversarialNegatives', length=256, feat_dim=64),
)
optim_wrapper = dict(
    optimizer=dict(lr=2e-2), paramwise_cfg=dict(custom_keys=dict(queue=dict(lr_mult=3)))
)
