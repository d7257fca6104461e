# LARS, 0.3 for 256 images (4.8 at 4096), 10 epochs of warm-up, cosine to 0, weight decay 1e-6
# (Sect. 5.1). Biases and norms stay out of weight decay and of LARS' adaptation, as in BYOL. The
# precision, bfloat16, is ours: 512 images a GPU fit into 80 GB (docs/benchmarks.md).
optim_wrapper = dict(
    type='BFloat16OptimWrapper',
    optimizer=dict(type='LARS', lr=4.8, momentum=0.9, weight_decay=1e-6, eta=1e-3),
    paramwise_cfg=dict(
        custom_keys={
            'bn': dict(decay_mult=0, lars_exclude=True),
            'bias': dict(decay_mult=0, lars_exclude=True),
            # the norm of a ResNet's shortcut
            'downsample.1': dict(decay_mult=0, lars_exclude=True),
        }
    ),
)
auto_scale_lr = dict(base_batch_size=4096)

param_scheduler = [
    dict(
        type='LinearLR', start_factor=1e-4, by_epoch=True, begin=0, end=10,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR', T_max=190, by_epoch=True, begin=10, end=200,
        convert_to_iter_based=True,
    ),
]  # fmt: skip
train_cfg = dict(type='ResumableTrainLoop', max_epochs=200)
