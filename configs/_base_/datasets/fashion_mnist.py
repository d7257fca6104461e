# Fashion-MNIST, 28 x 28 pixels in one channel, as mmpretrain reads (and downloads) it. Without a
# download: Debian's package dataset-fashion-mnist holds the four idx.gz files; unpack them into
# data_root with gunzip. Of split and test_mode mmpretrain reads the latter alone.
data_root = 'data/fashion_mnist'
# The views of a batch are made on the training device.
view = [
    dict(type='BatchAffineCrop', scale=28, crop_ratio_range=(0.3, 1.0)),
    dict(type='BatchFlip', prob=0.5),
]
data_preprocessor = dict(
    type='ViewsDataPreprocessor', mean=[72.94], std=[90.02], views=[view, view]
)

# Pretraining reads no labels, each of which would be a tensor of its own.
train_pipeline = [dict(type='Collect', keys=['img', 'sample_idx']), dict(type='PackInputs')]
test_pipeline = [dict(type='PackInputs')]

train_dataloader = dict(
    batch_size=256,
    num_workers=8,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='FashionMNIST',
        data_root=data_root,
        split='train',
        download=True,
        pipeline=train_pipeline,
    ),
)
# The training images as they are, for clustering and as the gallery of the evaluation.
plain_train_dataloader = dict(
    batch_size=512,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='FashionMNIST',
        data_root=data_root,
        split='train',
        download=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=512,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='FashionMNIST',
        data_root=data_root,
        split='test',
        test_mode=True,
        download=True,
        pipeline=test_pipeline,
    ),
)
test_cfg = dict(type='RepresentationTestLoop', train_dataloader=plain_train_dataloader)
test_evaluator = []
