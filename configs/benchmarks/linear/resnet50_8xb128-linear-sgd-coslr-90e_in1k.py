# Linear evaluation on ImageNet as of MoCo v3 (Chen et al., 2021): SGD with momentum 0.9, no weight
# decay and 0.1 for 256 images, 0.4 at the whole batch of 1024.
_base_ = ['../_base_/imagenet_classification.py', '../_base_/linear_90e.py']

model = dict(
    backbone=dict(type='ResNet', depth=50),
    head=dict(num_classes=1000, in_channels=2048),
)
train_dataloader = dict(batch_size=128)

optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.4, momentum=0.9, weight_decay=0.0)
)
auto_scale_lr = dict(base_batch_size=1024)
