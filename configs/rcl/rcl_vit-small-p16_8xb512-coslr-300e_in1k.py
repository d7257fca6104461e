# RCL with ViT-S/16 on ImageNet-1k, which the paper does not train: it has ResNets alone. The
# criteria, queue, views and temperature are the paper's. What concerns the transformer follows MoCo
# v3's config for ViT-S: AdamW, fixed sin-cos position embedding and random patch embedding, 40
# epochs of warm-up, 300 epochs, projector 384-4096-4096-256. Here the ViT has 6 heads, as DeiT's
# and timm's ViT-S, not 12, and the clustering starts when the learning rate has warmed up. Not run
# by us.
_base_ = 'rcl_resnet50_8xb512-coslr-200e_in1k.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='MoCoV3ViT',
        arch='deit-small',
        img_size=224,
        patch_size=16,
        stop_grad_conv1=True,
    ),
    neck=dict(in_channels=384, hid_channels=4096, with_avg_pool=False),
)
default_hooks = dict(clustering=dict(warmup_epochs=40))

optim_wrapper = dict(
    _delete_=True,
    type='BFloat16OptimWrapper',
    optimizer=dict(type='AdamW', lr=2.4e-3, weight_decay=0.1),
)
param_scheduler = [
    dict(
        type='LinearLR', start_factor=1e-4, by_epoch=True, begin=0, end=40,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR', T_max=260, by_epoch=True, begin=40, end=300,
        convert_to_iter_based=True,
    ),
]  # fmt: skip
train_cfg = dict(max_epochs=300)
