# How much of the headroom the clusters of RCL capture: scikit-learn's digits.
_base_ = '_base_/testbed_arms.py'

title = 'Digits'
config = '../rcl/rcl_resnet18_1xb128-coslr-30e_digits.py'
label_draws = 10
