# SGD for a batch of 256 on ImageNet: cosine to 0 over 200 epochs without warm-up. Configs set the
# learning rate. The precision, bfloat16, is ours.
optim_wrapper = dict(
    type='BFloat16OptimWrapper',
    optimizer=dict(type='SGD', lr=0.03, momentum=0.9, weight_decay=1e-4),
)
auto_scale_lr = dict(base_batch_size=256)

param_scheduler = [
    dict(
        type='CosineAnnealingLR', T_max=200, by_epoch=True, begin=0, end=200,
        convert_to_iter_based=True,
    ),
]  # fmt: skip
train_cfg = dict(type='ResumableTrainLoop', max_epochs=200)
