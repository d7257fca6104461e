# DeepCluster on scikit-learn's digits, one view of each image. Number of clusters and the interval
# are chosen for 1,442 images; backbone, view and schedule are RCL's. Reproduces no table. K-means
# needs Python 3.11.
_base_ = '../_base_/baseline_digits_30e.py'

data_preprocessor = dict(views=[_base_.view])

model = dict(
    type='ClusterClassifier',
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='PseudoLabelHead',
        num_classes=100,
        in_channels=128,
        loss=dict(type='PseudoLabelLoss', power=1.0),
    ),
    hierarchy=dict(type='PseudoLabels', num_classes=100),
)
default_hooks = dict(
    clustering=dict(
        type='HierarchicalClusteringHook',
        dataloader=_base_.plain_train_dataloader,
        warmup_epochs=0,
        recluster_interval=5,
        source=dict(type='KMeansSource', num_clusters=[100]),
    ),
    classifier_reset=dict(type='ClassifierResetHook', interval=5),
)
optim_wrapper = dict(optimizer=dict(lr=2e-2))
