# RCL on the first 3,000 training images of Fashion-MNIST: a ResNet-18 cut to three stages of 16, 32
# and 64 channels and 30 epochs, so that a grid of arms and seeds runs on two CPU cores.
# Reproduces no table of the paper.
_base_ = [
    '../../_base_/models/rcl_small.py',
    '../../_base_/datasets/fashion_mnist.py',
    '../../_base_/default_runtime.py',
]

num_images = 3000
epochs = 30
lr_warmup = 4

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
        # 0.2 was better than 0.1 for instance discrimination (one seed), the arms' reference.
        loss=dict(temperature=0.2),
    ),
    queue=dict(length=2048, feat_dim=64),
    retrievers=[
        dict(type='SameImageRetriever'),
        dict(type='ClusterRetriever', select='random'),
    ],
    hierarchy=dict(feat_dim=64),
)

train_dataloader = dict(batch_size=128, num_workers=0, dataset=dict(indices=num_images))
plain_train_dataloader = dict(
    _base_.plain_train_dataloader,
    num_workers=0,
    dataset=dict(_base_.plain_train_dataloader.dataset, indices=num_images),
)
test_dataloader = dict(_base_.test_dataloader, num_workers=0)
test_cfg = dict(train_dataloader=plain_train_dataloader)

default_hooks = dict(
    clustering=dict(
        type='HierarchicalClusteringHook',
        dataloader=plain_train_dataloader,
        warmup_epochs=6,
        source=dict(type='DBSCANSource', eps='auto', metric='jaccard', mean_sizes=[2.6, 5.0]),
        refiner=dict(type='HierarchyRefiner'),
    ),
    knn=dict(
        type='KNNHook',
        train_dataloader=plain_train_dataloader,
        test_dataloader=test_dataloader,
        interval=10,
    ),
    channels_last=dict(type='ChannelsLastHook'),
    pair_monitor=dict(type='PairMonitorHook'),
    hierarchy_monitor=dict(type='HierarchyMonitorHook'),
    logger=dict(interval=23),
    checkpoint=dict(interval=10, max_keep_ckpts=1),
)

optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.12, momentum=0.9, weight_decay=5e-4)
)
auto_scale_lr = dict(base_batch_size=128)
param_scheduler = [
    dict(
        type='LinearLR', start_factor=1e-2, by_epoch=True, begin=0, end=lr_warmup,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR', T_max=epochs - lr_warmup, by_epoch=True, begin=lr_warmup,
        end=epochs, convert_to_iter_based=True,
    ),
]  # fmt: skip
train_cfg = dict(type='ResumableTrainLoop', max_epochs=epochs)
