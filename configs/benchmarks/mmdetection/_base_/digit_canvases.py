# The detection set that tools/data/digit_canvases.py writes: canvases of 64 pixels, one channel.
data_root = 'data/digit_canvases/'
metainfo = dict(classes=tuple('0123456789'))

load_image = dict(type='LoadImageFromFile', color_type='grayscale')
load_annotations = dict(type='LoadAnnotations', with_bbox=True, with_mask=True)
# Leaves the size as it is, and notes the factor that the predictions are scaled back by.
resize = dict(type='Resize', scale_factor=1.0, keep_ratio=True)
meta_keys = ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')

train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='CocoDataset',
        data_root=data_root,
        metainfo=metainfo,
        ann_file='annotations/train.json',
        data_prefix=dict(img='train/'),
        pipeline=[
            load_image,
            load_annotations,
            resize,
            dict(type='PackDetInputs', meta_keys=meta_keys),
        ],
    ),
)
val_dataloader = dict(
    batch_size=20,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CocoDataset',
        data_root=data_root,
        metainfo=metainfo,
        ann_file='annotations/val.json',
        data_prefix=dict(img='val/'),
        test_mode=True,
        pipeline=[load_image, resize, dict(type='PackDetInputs', meta_keys=meta_keys)],
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(
    type='CocoMetric', ann_file=data_root + 'annotations/val.json', metric=['bbox', 'segm']
)
test_evaluator = val_evaluator
