# MSF with the same augmentation in both views, on scikit-learn's digits; all else as in `msf`.
# Reproduces no table.
_base_ = 'msf_resnet18_1xb128-coslr-30e_digits.py'

data_preprocessor = dict(views=[_base_.view, _base_.view])
