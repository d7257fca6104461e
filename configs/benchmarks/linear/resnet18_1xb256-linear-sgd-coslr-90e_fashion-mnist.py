# Linear evaluation of the Fashion-MNIST configs. Reproduces no table. Learning rate and decay are
# what tools/linear_probe.py chose on 4,000 training images, for an encoder of a quarter of the
# width.
_base_ = ['../../_base_/datasets/fashion_mnist.py', '../_base_/linear_90e.py']

data_preprocessor = dict(_delete_=True, type='ClsDataPreprocessor', mean=[72.94], std=[90.02])
model = dict(
    backbone=dict(type='ResNet_CIFAR', depth=18, in_channels=1),
    head=dict(num_classes=10, in_channels=512),
)

# No crop: garments fill the frame of a test image, and an encoder distinguishes enlarged ones.
train_pipeline = [dict(type='RandomFlip', prob=0.5), dict(type='PackInputs')]
train_dataloader = dict(drop_last=False, dataset=dict(pipeline=train_pipeline))
val_dataloader = _base_.test_dataloader
test_cfg = dict(type='TestLoop', _delete_=True)
test_evaluator = [dict(type='Accuracy', topk=(1, 5))]

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=3.0, momentum=0.9, nesterov=True, weight_decay=1e-4),
)
auto_scale_lr = dict(base_batch_size=256)
