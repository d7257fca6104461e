# InfoMin Aug. on scikit-learn's digits: `mocov2` with stronger brightness and RandAugment, without
# the paper's jigsaw branch. RandAugment has the operations that suit gray digits. The pipeline
# makes the views, because RandAugment is mmpretrain's. Reproduces no table.
_base_ = 'mocov2_resnet18_1xb128-coslr-30e_digits.py'

data_preprocessor = dict(_delete_=True, type='SelfSupDataPreprocessor', mean=[78.0], std=[96.0])
enhance = dict(magnitude_range=(-0.9, 0.9), random_negative_prob=0.5)
rand_augment = dict(
    type='RandAugment',
    num_policies=2,
    magnitude_level=10,
    magnitude_std=0.5,
    hparams=dict(pad_val=0, interpolation='bilinear'),
    policies=[
        dict(type='Rotate', magnitude_range=(0, 30)),
        dict(type='Posterize', magnitude_range=(0, 4)),
        dict(type='Brightness', **enhance),
        dict(type='Sharpness', **enhance),
        dict(type='Shear', magnitude_range=(0, 0.3), direction='horizontal'),
        dict(type='Shear', magnitude_range=(0, 0.3), direction='vertical'),
        dict(type='Translate', magnitude_range=(0, 0.2), direction='horizontal'),
        dict(type='Translate', magnitude_range=(0, 0.2), direction='vertical'),
    ],
)
warp = dict(magnitude_std='inf', prob=1.0, pad_val=0, interpolation='bilinear')
infomin_view = [
    dict(type='Rotate', magnitude_range=(0, 20), **warp),
    dict(type='Shear', magnitude_range=(0, 0.3), **warp),
    dict(
        type='RandomResizedCrop',
        scale=16,
        crop_ratio_range=(0.5, 1.0),
        aspect_ratio_range=(0.8, 1.25),
    ),
    dict(type='Brightness', magnitude_range=(0, 0.8), magnitude_std='inf', prob=0.8),
    dict(type='GaussianBlur', magnitude_range=(0.1, 1.2), magnitude_std='inf', prob=0.5),
    rand_augment,
]
train_pipeline = [
    dict(type='MultiView', num_views=[2], transforms=[infomin_view]),
    *_base_.train_pipeline,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
