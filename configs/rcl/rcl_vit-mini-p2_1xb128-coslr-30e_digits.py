# RCL with a small vision transformer on scikit-learn's handwritten digits: 8 x 8 patches of 2 x 2
# pixels, 4 layers of width 64. All else is as in the config with ResNet-18. Reproduces no table,
# and not run by us beyond the few iterations of the tests.
_base_ = 'rcl_resnet18_1xb128-coslr-30e_digits.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='MoCoV3ViT',
        arch=dict(embed_dims=64, num_layers=4, num_heads=4, feedforward_channels=256),
        img_size=16,
        patch_size=2,
        in_channels=1,
        stop_grad_conv1=True,
    ),
    neck=dict(in_channels=64, with_avg_pool=False),
)
