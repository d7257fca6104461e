# Mask R-CNN R50-C4 on COCO, 2x: about 180k iterations of 16 images, in 24 epochs.
_base_ = [
    './_base_/mask-rcnn_resnet50-c4.py',
    './_base_/coco_instance.py',
    './_base_/sgd_batch16.py',
    'mmdet::_base_/default_runtime.py',
]

param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=1000),
    dict(type='MultiStepLR', milestones=[16, 22], gamma=0.1, begin=0, end=24),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=24, val_interval=1)
