# CMC on scikit-learn's digits. They have no colour, so the halves are low and high spatial
# frequencies, each with an encoder of half the width. Width, temperature, negatives and sigma are
# chosen for 1,442 images; view and schedule are RCL's. Reproduces no table.
_base_ = '../_base_/baseline_digits_30e.py'

data_preprocessor = dict(views=[_base_.view])

encoder = dict(_base_.model.backbone, base_channels=8)
model = dict(
    type='CMC',
    backbone=dict(
        _delete_=True,
        type='HalvesBackbone',
        halves=dict(type='FrequencyHalves', sigma=1.0),
        encoders=[encoder, encoder],
    ),
    neck=dict(type='LinearNeck', in_channels=64, out_channels=64, gap_dim=2, norm_cfg=None),
    head=dict(
        type='NoiseContrastiveHead',
        num_negatives=256,
        loss=dict(type='NoiseContrastiveLoss', temperature=0.1),
    ),
    bank=dict(type='FeatureBank', length=1442, feat_dim=64, momentum=0.5),
)
