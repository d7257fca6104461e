# The methods that the paper compares with, and RCL, on scikit-learn's digits: one network, views,
# batch and number of epochs.
_base_ = '_base_/methods.py'

title = 'Methods on digits'
