# Self-labelling on scikit-learn's digits, one view of each image. Classes, classifiers and interval
# are chosen for 1,442 images; backbone, view and schedule are RCL's. Reproduces no table.
_base_ = '../_base_/baseline_digits_30e.py'

data_preprocessor = dict(views=[_base_.view])

model = dict(
    type='ClusterClassifier',
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='PseudoLabelHead',
        num_classes=100,
        num_classifiers=4,
        in_channels=128,
        loss=dict(type='PseudoLabelLoss'),
    ),
    hierarchy=dict(type='PseudoLabels', num_classes=100, num_levels=5),
)
default_hooks = dict(
    clustering=dict(
        type='HierarchicalClusteringHook',
        dataloader=_base_.plain_train_dataloader,
        warmup_epochs=0,
        recluster_interval=1,
        source=dict(type='SinkhornSource', num_levels=4, sharpness=25),
        space='scores',
    ),
)
