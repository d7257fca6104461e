# Table 3, predictors and levels, on Fashion-MNIST. H = 1 is instance discrimination.
_base_ = '_base_/fashion-mnist_arms.py'

title = 'Table 3 on Fashion-MNIST: predictors and levels'
config = '_base_/rcl_resnet18-small_1xb128-coslr-30e_fashion-mnist.py'
seeds = [0, 1, 2]
reference = 'instance-discrimination'
measures = ['retrieval_hit_rate', 'pairs/key_precision']
arms = {
    name: _base_._arms[name]
    for name in ('instance-discrimination', 'h2-shared', 'h3-shared', 'h4-shared', 'rcl')
}
