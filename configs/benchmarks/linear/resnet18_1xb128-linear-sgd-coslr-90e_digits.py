# Linear evaluation of the digits configs. Reproduces no table. An epoch has 12 steps, so SGD's
# learning rate is 20 times ImageNet's for the batch; tools/linear_probe.py chose it on images held
# out of the training set.
_base_ = ['../../_base_/datasets/digits.py', '../_base_/linear_90e.py']

data_preprocessor = dict(_delete_=True, type='ClsDataPreprocessor', mean=[78.0], std=[96.0])
model = dict(
    backbone=dict(type='ResNet_CIFAR', depth=18, in_channels=1, stem_channels=16, base_channels=16),
    head=dict(num_classes=10, in_channels=128),
)

# A gentle crop: a stroke that is cut off turns an 8 into a 3. No flip: digits are not symmetric.
crop = dict(
    type='RandomResizedCrop', scale=16, crop_ratio_range=(0.8, 1.0), aspect_ratio_range=(0.9, 1.1)
)
train_pipeline = [crop, dict(type='PackInputs')]
train_dataloader = dict(drop_last=False, dataset=dict(pipeline=train_pipeline))
val_dataloader = _base_.test_dataloader
test_cfg = dict(type='TestLoop', _delete_=True)
test_evaluator = [dict(type='Accuracy', topk=(1, 5))]

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=1.0, momentum=0.9, nesterov=True, weight_decay=0.0),
)
auto_scale_lr = dict(base_batch_size=128)
default_hooks = dict(logger=dict(interval=12))
