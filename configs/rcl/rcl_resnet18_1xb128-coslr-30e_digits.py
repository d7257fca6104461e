# RCL as in the paper, with clusters of the keys refined online, on scikit-learn's handwritten
# digits. Reproduces no table of the paper.
_base_ = [
    '../_base_/models/rcl_small.py',
    '../_base_/datasets/digits.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(in_channels=1, stem_channels=16, base_channels=16),
    neck=dict(in_channels=128, hid_channels=256, out_channels=64),
    head=dict(predictor=dict(in_channels=64, hid_channels=256, out_channels=64)),
    queue=dict(length=1024, feat_dim=64),
    hierarchy=dict(feat_dim=64),
)

default_hooks = dict(
    clustering=dict(
        type='HierarchicalClusteringHook',
        dataloader=_base_.plain_train_dataloader,
        warmup_epochs=6,
        source=dict(type='DBSCANSource', eps='auto', metric='jaccard', mean_sizes=[2.6, 5.0]),
        refiner=dict(type='HierarchyRefiner'),
    ),
    knn=dict(
        type='KNNHook',
        train_dataloader=_base_.plain_train_dataloader,
        test_dataloader=_base_.test_dataloader,
        interval=3,
    ),
    channels_last=dict(type='ChannelsLastHook'),
    collapse=dict(type='CollapseHook', dataloader=_base_.plain_train_dataloader),
    pair_monitor=dict(type='PairMonitorHook'),
    hierarchy_monitor=dict(type='HierarchyMonitorHook'),
    logger=dict(interval=11),
    checkpoint=dict(interval=6),
)

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=2e-3, weight_decay=1e-4))
auto_scale_lr = dict(base_batch_size=128)
param_scheduler = [
    dict(
        type='LinearLR', start_factor=1e-2, by_epoch=True, begin=0, end=4,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR', T_max=26, by_epoch=True, begin=4, end=30,
        convert_to_iter_based=True,
    ),
]  # fmt: skip
train_cfg = dict(type='ResumableTrainLoop', max_epochs=30)
