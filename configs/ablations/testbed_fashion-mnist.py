# How much of the headroom the clusters of RCL capture: 20,000 images of Fashion-MNIST, all
# augmentations.
_base_ = '_base_/testbed_arms.py'

title = '20,000 images of Fashion-MNIST'
config = '_base_/rcl_resnet18-small_1xb128-coslr-40e_fashion-mnist.py'
