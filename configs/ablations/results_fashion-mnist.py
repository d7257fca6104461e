# All arms of docs/results.md on Fashion-MNIST, with the same budget.
_base_ = '_base_/fashion-mnist_arms.py'

title = 'Fashion-MNIST, 3,000 images, 30 epochs'
config = '_base_/rcl_resnet18-small_1xb128-coslr-30e_fashion-mnist.py'
seeds = [0, 1, 2]
reference = 'instance-discrimination'
headroom = ('instance-discrimination', 'true-classes-start')
measures = ['retrieval_hit_rate', 'pairs/key_precision']
arms = _base_._arms
