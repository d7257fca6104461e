# Table 4, where the criteria come from, on Fashion-MNIST. Without a source it is NNCLR's positive.
_base_ = '_base_/fashion-mnist_arms.py'

title = 'Table 4 on Fashion-MNIST: source of the criteria'
config = '_base_/rcl_resnet18-small_1xb128-coslr-30e_fashion-mnist.py'
seeds = [0, 1, 2]
reference = 'nnclr-positive'
measures = ['retrieval_hit_rate', 'pairs/key_precision']
arms = {name: _base_._arms[name] for name in ('nnclr-positive', 'kmeans', 'dbscan', 'rcl')}
