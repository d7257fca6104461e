# Characters in free fonts, 32 x 32 pixels in one channel, drawn by tools/data/draw_glyphs.py: see
# configs/ablations/README.md. No flip, which turns some characters into others.
data_root = 'data/glyphs'
# The views of a batch are made on the training device.
weak_view = [dict(type='BatchAffineCrop', scale=32, crop_ratio_range=(0.3, 1.0))]
view = [
    *weak_view,
    dict(type='BatchBrightness', strength=0.4, prob=0.8),
    dict(type='BatchSolarize', thr=128, prob=0.2),
    dict(type='BatchGaussianBlur', sigma_range=(0.1, 1.5), prob=0.5),
]
data_preprocessor = dict(type='ViewsDataPreprocessor', mean=[147.6], std=[77.2], views=[view, view])

# Pretraining reads no labels, each of which would be a tensor of its own.
train_pipeline = [dict(type='Collect', keys=['img', 'sample_idx']), dict(type='PackInputs')]
test_pipeline = [dict(type='PackInputs')]

train_dataloader = dict(
    batch_size=128,
    num_workers=0,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='Glyphs', data_root=data_root, split='train', pipeline=train_pipeline),
)
# The training images as they are, for clustering and as the gallery of the evaluation.
plain_train_dataloader = dict(
    batch_size=512,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='Glyphs', data_root=data_root, split='train', pipeline=test_pipeline),
)
test_dataloader = dict(
    batch_size=512,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='Glyphs', data_root=data_root, split='test', pipeline=test_pipeline),
)
test_cfg = dict(type='RepresentationTestLoop', train_dataloader=plain_train_dataloader)
test_evaluator = []
