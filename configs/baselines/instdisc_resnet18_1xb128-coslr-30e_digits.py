# InstDisc on scikit-learn's digits, with one view of an image in a step. Width, temperature,
# negatives and proximal weight are chosen for 1,442 images; backbone, view and schedule are RCL's.
# Reproduces no table.
_base_ = '../_base_/baseline_digits_30e.py'

data_preprocessor = dict(views=[_base_.view])

model = dict(
    type='InstDisc',
    proximal_weight=1.0,
    # With batch norm: without, features collapsed under this optimiser.
    neck=dict(type='LinearNeck', in_channels=128, out_channels=64, gap_dim=2),
    head=dict(
        type='NoiseContrastiveHead',
        num_negatives=256,
        loss=dict(type='NoiseContrastiveLoss', temperature=0.1),
    ),
    bank=dict(type='FeatureBank', length=1442, feat_dim=64, momentum=0.5),
)
optim_wrapper = dict(optimizer=dict(lr=6e-3))
