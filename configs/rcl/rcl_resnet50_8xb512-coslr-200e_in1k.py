# Reproduces RCL at 200 epochs on ImageNet-1k (Table 1; Table 3, No. 5), for which the paper reports
# 72.6 top-1 in linear evaluation. Online hierarchical clustering of H = 3 levels, started by DBSCAN
# with the two smaller radii of Table 4 after 10 epochs of warm-up. Not yet run by us.
_base_ = [
    '../_base_/models/rcl_resnet50.py',
    '../_base_/datasets/imagenet_bs512_byol.py',
    '../_base_/schedules/lars_coslr_200e.py',
    '../_base_/imagenet_runtime.py',
]

default_hooks = dict(
    clustering=dict(
        type='HierarchicalClusteringHook',
        dataloader=_base_.plain_train_dataloader,
        warmup_epochs=10,
        source=dict(type='DBSCANSource', eps=[0.6, 0.7], min_samples=4),
        refiner=dict(type='HierarchyRefiner'),
    ),
    collapse=dict(type='CollapseHook', dataloader=_base_.plain_train_dataloader),
    pair_monitor=dict(type='PairMonitorHook'),
    hierarchy_monitor=dict(type='HierarchyMonitorHook'),
)
