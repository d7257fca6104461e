# scikit-learn's handwritten digits, 8 x 8 pixels enlarged to 16 x 16, one channel: no download.
# The views of a batch are made on the training device, from images that were enlarged once.
view = [
    dict(
        type='BatchAffineCrop',
        scale=16,
        crop_ratio_range=(0.5, 1.0),
        aspect_ratio_range=(0.8, 1.25),
        rotate=20,
        shear=0.3,
    ),
    dict(type='BatchBrightness', strength=0.5, prob=0.8),
    dict(type='BatchGaussianBlur', sigma_range=(0.1, 1.2), prob=0.5),
]
data_preprocessor = dict(type='ViewsDataPreprocessor', mean=[78.0], std=[96.0], views=[view, view])

# Pretraining reads no labels, each of which would be a tensor of its own.
train_pipeline = [dict(type='Collect', keys=['img', 'sample_idx']), dict(type='PackInputs')]
# For files; it leaves the enlarged images of the data set as they are.
upscale = dict(type='Resize', scale=(16, 16), interpolation='bicubic')
test_pipeline = [upscale, dict(type='PackInputs')]

train_dataloader = dict(
    batch_size=128,
    num_workers=0,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='Digits', split='train', scale=16, pipeline=train_pipeline),
)
# The training images as they are, for clustering and as the gallery of the evaluation.
plain_train_dataloader = dict(
    batch_size=256,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='Digits', split='train', scale=16, pipeline=test_pipeline),
)
test_dataloader = dict(
    batch_size=256,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='Digits', split='test', scale=16, pipeline=test_pipeline),
)
test_cfg = dict(
    type='RepresentationTestLoop',
    train_dataloader=plain_train_dataloader,
    seeds=[0, 1, 2, 3, 4],
)
test_evaluator = []
