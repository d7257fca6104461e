# Mask R-CNN on the encoder of the digits demo: the detection part of the demo. Reproduces no table
# of the paper. Widths, anchors and numbers of boxes are for canvases of 64 pixels.
_base_ = ['./_base_/digit_canvases.py', 'mmdet::_base_/default_runtime.py']

custom_imports = dict(imports=['mmrcl.registry'])

roi_extractor = dict(
    type='SingleRoIExtractor',
    out_channels=32,
    featmap_strides=[2, 4, 8],
    # Boxes below 16 pixels are read at stride 2, those below 32 at stride 4.
    finest_scale=8,
)
max_iou = dict(type='MaxIoUAssigner', match_low_quality=False, ignore_iof_thr=-1)

model = dict(
    type='MaskRCNN',
    data_preprocessor=dict(
        type='DetDataPreprocessor', mean=[78.0], std=[96.0], pad_mask=True, pad_size_divisor=8
    ),
    backbone=dict(
        type='mmpretrain.ResNet_CIFAR',
        depth=18,
        in_channels=1,
        stem_channels=16,
        base_channels=16,
        out_indices=(1, 2, 3),
        norm_cfg=dict(type='BN'),
        init_cfg=dict(type='mmrcl.StrictPretrained', checkpoint=None),
    ),
    neck=dict(type='FPN', in_channels=[32, 64, 128], out_channels=32, num_outs=3),
    rpn_head=dict(
        type='RPNHead',
        in_channels=32,
        feat_channels=32,
        anchor_generator=dict(
            type='AnchorGenerator', scales=[3], ratios=[1.0, 2.0], strides=[2, 4, 8]
        ),
        bbox_coder=dict(type='DeltaXYWHBBoxCoder'),
        loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=True),
        loss_bbox=dict(type='L1Loss'),
    ),
    roi_head=dict(
        type='StandardRoIHead',
        bbox_roi_extractor=dict(
            **roi_extractor, roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=1)
        ),
        bbox_head=dict(
            type='Shared2FCBBoxHead',
            in_channels=32,
            fc_out_channels=128,
            roi_feat_size=7,
            num_classes=10,
            bbox_coder=dict(type='DeltaXYWHBBoxCoder', target_stds=[0.1, 0.1, 0.2, 0.2]),
            reg_class_agnostic=True,
            loss_cls=dict(type='CrossEntropyLoss'),
            loss_bbox=dict(type='L1Loss'),
        ),
        mask_roi_extractor=dict(
            **roi_extractor, roi_layer=dict(type='RoIAlign', output_size=14, sampling_ratio=1)
        ),
        mask_head=dict(
            type='FCNMaskHead',
            num_convs=2,
            in_channels=32,
            conv_out_channels=32,
            num_classes=10,
            class_agnostic=True,
            loss_mask=dict(type='CrossEntropyLoss', use_mask=True),
        ),
    ),
    train_cfg=dict(
        rpn=dict(
            assigner=dict(
                max_iou, pos_iou_thr=0.6, neg_iou_thr=0.3, match_low_quality=True, min_pos_iou=0.3
            ),
            sampler=dict(type='RandomSampler', num=64, pos_fraction=0.5, add_gt_as_proposals=False),
            allowed_border=-1,
            pos_weight=-1,
        ),
        rpn_proposal=dict(
            nms_pre=300, max_per_img=100, nms=dict(type='nms', iou_threshold=0.7), min_bbox_size=0
        ),
        rcnn=dict(
            assigner=dict(max_iou, pos_iou_thr=0.5, neg_iou_thr=0.5),
            sampler=dict(type='RandomSampler', num=48, pos_fraction=0.33, add_gt_as_proposals=True),
            mask_size=28,
            pos_weight=-1,
        ),
    ),
    test_cfg=dict(
        rpn=dict(
            nms_pre=300, max_per_img=50, nms=dict(type='nms', iou_threshold=0.7), min_bbox_size=0
        ),
        rcnn=dict(
            score_thr=0.05,
            nms=dict(type='nms', iou_threshold=0.5),
            max_per_img=20,
            mask_thr_binary=0.5,
        ),
    ),
)

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=8e-3, weight_decay=1e-4))
auto_scale_lr = dict(base_batch_size=8)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', T_max=10, begin=0, end=10, convert_to_iter_based=True),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=10, val_interval=10)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=10))
randomness = dict(seed=0)
