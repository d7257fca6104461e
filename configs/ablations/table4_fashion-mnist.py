# Table 4, where the criteria come from, on Fashion-MNIST. Without a source it is NNCLR's positive.
# The paper's K-means and DBSCAN have three levels of clusters: H = 4 with the images themselves.
# The two arms of H = 4 were not run by us.
_base_ = '_base_/fashion-mnist_arms.py'

title = 'Table 4 on Fashion-MNIST: source of the criteria'
config = '_base_/rcl_resnet18-small_1xb128-coslr-30e_fashion-mnist.py'
seeds = [0, 1, 2]
reference = 'nnclr-positive'
measures = ['retrieval_hit_rate', 'pairs/key_precision']
_three_levels = {
    **_base_._each_epoch,
    'model.hierarchy.num_levels': 4,
    'model.head.predictor.num_predictors': 4,
}
arms = {
    **{name: _base_._arms[name] for name in ('nnclr-positive', 'kmeans', 'dbscan', 'rcl')},
    # 1.3, 2.6 and 5 images a cluster
    'kmeans-h4': dict(
        title='K-means each epoch, all three levels',
        options={
            **_three_levels,
            'default_hooks.clustering.source': dict(
                _delete_=True, type='KMeansSource', num_clusters=[2308, 1154, 600]
            ),
        },
    ),
    'dbscan-h4': dict(
        title='DBSCAN each epoch, all three levels',
        options={
            **_three_levels,
            'default_hooks.clustering.source.mean_sizes': [1.3, 2.6, 5.0],
        },
    ),
}
