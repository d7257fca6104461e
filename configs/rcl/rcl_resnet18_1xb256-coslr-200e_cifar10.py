# RCL on CIFAR-10: ResNet-18 with a 3 x 3 stem, and clusters of the keys made anew each epoch,
# which gained more than refining them online on digits, see docs/results.md. Reproduces no table of
# the paper.
_base_ = [
    '../_base_/models/rcl_small.py',
    '../_base_/datasets/cifar10.py',
    '../_base_/schedules/sgd_coslr_200e.py',
    '../_base_/default_runtime.py',
]

model = dict(
    queue=dict(length=16384),
)

default_hooks = dict(
    clustering=dict(
        type='HierarchicalClusteringHook',
        dataloader=_base_.plain_train_dataloader,
        warmup_epochs=20,
        source=dict(type='DBSCANSource', eps='auto', metric='jaccard', mean_sizes=[2.6, 5.0]),
        recluster_interval=1,
    ),
    knn=dict(
        type='KNNHook',
        train_dataloader=_base_.plain_train_dataloader,
        test_dataloader=_base_.test_dataloader,
        interval=10,
    ),
    collapse=dict(type='CollapseHook', dataloader=_base_.plain_train_dataloader),
    channels_last=dict(type='ChannelsLastHook'),
    pair_monitor=dict(type='PairMonitorHook'),
    hierarchy_monitor=dict(type='HierarchyMonitorHook'),
)
