# InfoMin Aug. on scikit-learn's digits: the model of `mocov2` with stronger brightness and
# RandAugment, without the paper's jigsaw branch. The pipeline makes the views, because RandAugment
# is mmpretrain's. Reproduces no table.
_base_ = [
    'mocov2_resnet18_1xb128-coslr-30e_digits.py',
    '../_base_/datasets/infomin_gray.py',
]

data_preprocessor = dict(_delete_=True, type='SelfSupDataPreprocessor', mean=[78.0], std=[96.0])
train_pipeline = [
    dict(type='MultiView', num_views=[2], transforms=[_base_._infomin_view]),
    *_base_.train_pipeline,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
optim_wrapper = dict(optimizer=dict(lr=2e-2))
