# What RCL's testbeds of 20,000 images share: a ResNet-18 cut to three stages of 16, 32 and 64
# channels, a queue of 7.7 % of the images as in the paper, and 40 epochs of which 10 are warm-up.
# Reproduces no table of the paper. Configs that inherit it name the images.
_base_ = ['../../_base_/models/rcl_small.py', '../../_base_/default_runtime.py']

num_images = 20000
epochs = 40
warmup = 10

model = dict(
    # ImageNet's stem: its stride of 4 reduces the cost.
    backbone=dict(
        type='ResNet',
        in_channels=1,
        stem_channels=16,
        base_channels=16,
        num_stages=3,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        out_indices=(2,),
    ),
    neck=dict(in_channels=64, hid_channels=256, out_channels=64),
    head=dict(
        predictor=dict(in_channels=64, hid_channels=256, out_channels=64),
        loss=dict(temperature=0.2),
    ),
    queue=dict(length=1536, feat_dim=64),
    hierarchy=dict(feat_dim=64),
)

default_hooks = dict(
    clustering=dict(
        type='HierarchicalClusteringHook',
        warmup_epochs=warmup,
        source=dict(type='DBSCANSource', eps='auto', metric='jaccard', mean_sizes=[2.6, 5.0]),
        refiner=dict(type='HierarchyRefiner'),
    ),
    knn=dict(type='KNNHook', interval=10),
    channels_last=dict(type='ChannelsLastHook'),
    pair_monitor=dict(type='PairMonitorHook'),
    hierarchy_monitor=dict(type='HierarchyMonitorHook'),
    checkpoint=dict(interval=10, max_keep_ckpts=1),
)

optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.12, momentum=0.9, weight_decay=5e-4)
)
auto_scale_lr = dict(base_batch_size=128)
param_scheduler = [
    dict(
        type='LinearLR', start_factor=1e-2, by_epoch=True, begin=0, end=warmup,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR', T_max=epochs - warmup, by_epoch=True, begin=warmup, end=epochs,
        convert_to_iter_based=True,
    ),
]  # fmt: skip
train_cfg = dict(type='ResumableTrainLoop', max_epochs=epochs)
