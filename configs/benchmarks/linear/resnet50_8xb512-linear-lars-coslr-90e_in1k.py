# Linear evaluation of RCL on ImageNet (Sect. 5.2): LARS with Nesterov momentum 0.9, no weight decay
# and a learning rate of 1, read as the peak at the whole batch of 4096.
_base_ = ['../_base_/imagenet_classification.py', '../_base_/linear_90e.py']

model = dict(
    backbone=dict(type='ResNet', depth=50),
    head=dict(num_classes=1000, in_channels=2048),
)

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='LARS', lr=1.0, momentum=0.9, nesterov=True, weight_decay=0.0, eta=1e-3),
)
auto_scale_lr = dict(base_batch_size=4096)
