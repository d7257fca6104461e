# Faster R-CNN R50-C4 on PASCAL VOC 07+12, 24,000 iterations of 16 images: MoCo's benchmark.
_base_ = [
    './_base_/faster-rcnn_resnet50-c4.py',
    './_base_/voc0712.py',
    './_base_/sgd_batch16.py',
    'mmdet::_base_/default_runtime.py',
]

model = dict(roi_head=dict(bbox_head=dict(num_classes=20)))

param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=100),
    dict(
        type='MultiStepLR',
        milestones=[18000, 22000],
        gamma=0.1,
        by_epoch=False,
        begin=0,
        end=24000,
    ),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=24000, val_interval=6000)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=6000))
log_processor = dict(by_epoch=False)
