# SwAV without multi-crop on scikit-learn's digits: two views of 16 pixels; all else as in `swav`.
# Reproduces no table.
_base_ = 'swav_resnet18_1xb128-mcrop-coslr-30e_digits.py'

data_preprocessor = dict(views=[_base_.view, _base_.view])
model = dict(head=dict(loss=dict(num_crops=[2])))
optim_wrapper = dict(optimizer=dict(lr=6e-3))
