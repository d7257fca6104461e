# PIRL on scikit-learn's digits: nine patches of 7 x 7 pixels from a crop of 24 x 24. Width,
# temperature, negatives and patches are chosen for 1,442 images; backbone, the view of the image
# and schedule are RCL's. Reproduces no table.
_base_ = '../_base_/baseline_digits_30e.py'

crop, brightness, blur = _base_.view
patches = [
    dict(crop, scale=24, crop_ratio_range=(0.6, 1.0)),
    brightness,
    blur,
    dict(type='BatchJigsaw', grid=3, patch=7),
]
data_preprocessor = dict(views=[_base_.view, patches])

model = dict(
    type='PIRL',
    patch_weight=0.5,
    neck=dict(type='LinearNeck', in_channels=128, out_channels=64, gap_dim=2, norm_cfg=None),
    patch_neck=dict(type='JigsawNeck', in_channels=128, out_channels=64, num_patches=9),
    head=dict(
        type='NoiseContrastiveHead',
        num_negatives=256,
        loss=dict(type='NoiseContrastiveLoss', temperature=0.1, normalizer='query'),
    ),
    bank=dict(type='FeatureBank', length=1442, feat_dim=64, momentum=0.5),
)
