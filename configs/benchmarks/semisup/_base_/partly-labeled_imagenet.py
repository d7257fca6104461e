# ImageNet-1k of which a list of images has labels, for semi-supervised training with ResNet-50. The
# weak view is a crop and a flip, the strong one has two transforms of RandAugment beside, with
# magnitudes drawn at random. An epoch is one pass over the unlabelled images, which are all.
data_root = 'data/imagenet'
data_preprocessor = dict(
    type='SelfSupDataPreprocessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    to_rgb=True,
)

load = dict(type='LoadImageFromFile', imdecode_backend='pillow')
weak = [
    dict(type='RandomResizedCrop', scale=224, interpolation='bicubic', backend='pillow'),
    dict(type='RandomFlip', prob=0.5),
]
rand_augment = dict(
    type='RandAugment',
    policies='timm_increasing',
    num_policies=2,
    magnitude_level=10,
    magnitude_std='inf',
    hparams=dict(pad_val=[104, 116, 124], interpolation='bicubic'),
)
train_pipeline = [
    load,
    dict(type='MultiView', num_views=[1, 1], transforms=[weak, [*weak, rand_augment]]),
    dict(type='PackInputs'),
]
imagenet = dict(type='ImageNet', data_root=data_root, split='train', pipeline=train_pipeline)
train_dataloader = dict(
    batch_size=192,
    num_workers=8,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type='PartlyLabeledSampler', unlabeled_per_labeled=5),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='PartlyLabeled',
        labeled=dict(imagenet, ann_file='meta/train_10pct.txt'),
        unlabeled=imagenet,
    ),
)

test_pipeline = [
    load,
    dict(type='ResizeEdge', scale=256, edge='short', interpolation='bicubic', backend='pillow'),
    dict(type='CenterCrop', crop_size=224),
    dict(type='PackInputs'),
]
val_dataloader = dict(
    batch_size=128,
    num_workers=8,
    pin_memory=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='ImageNet', data_root=data_root, split='val', pipeline=test_pipeline),
)
test_dataloader = val_dataloader
test_evaluator = [dict(type='Accuracy', topk=(1, 5))]
test_cfg = dict(type='TestLoop')
