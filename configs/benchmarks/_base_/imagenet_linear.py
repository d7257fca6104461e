# ImageNet-1k to classify: a crop and a flip for training, the centre for validation.
_base_ = '../../_base_/datasets/imagenet_bs512_byol.py'

data_preprocessor = dict(type='ClsDataPreprocessor')
train_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    _base_.crop,
    _base_.flip,
    dict(type='PackInputs'),
]
train_dataloader = dict(drop_last=False, dataset=dict(pipeline=train_pipeline))
val_dataloader = _base_.test_dataloader
test_cfg = dict(type='TestLoop', _delete_=True)
test_evaluator = [dict(type='Accuracy', topk=(1, 5))]
