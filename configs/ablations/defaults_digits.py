# Variants of clustering and retrieval for the demo: RCL on scikit-learn's digits.
title = 'RCL on digits'
config = '../rcl/rcl_resnet18_1xb128-coslr-30e_digits.py'
seeds = [0, 1, 2]
label_draws = 10
reference = 'instance-discrimination'
measures = ['retrieval_hit_rate', 'pairs/key_precision']


def _keys(retriever, select):
    return {
        'model.retrievers': [dict(type='SameImageRetriever'), dict(type=retriever, select=select)]
    }


_images = {
    **_keys('LevelRetriever', 'random'),
    'default_hooks.clustering.space': 'images',
    'default_hooks.clustering.warmup_epochs': 0,
}
_kmeans = dict(_delete_=True, type='HierarchicalKMeansSource', num_clusters=[300, 60])
arms = {
    'instance-discrimination': dict(
        title='instance discrimination',
        config='../baselines/instance-discrimination_resnet18_1xb128-coslr-30e_digits.py',
    ),
    'keys-nearest': dict(
        title='clusters of keys, nearest same-cluster sample',
        options=_keys('ClusterRetriever', 'nearest'),
    ),
    'keys-random': dict(
        title='clusters of keys, random same-cluster sample',
        options=_keys('ClusterRetriever', 'random'),
    ),
    'images-online': dict(title='clusters of images, refined online', options=_images),
    'images': dict(
        title='clusters of images', options={**_images, 'default_hooks.clustering.refiner': None}
    ),
    'images-coarser': dict(
        title='coarser clusters of images',
        config='../rcl/rcl-images_resnet18_1xb128-coslr-30e_digits.py',
    ),
    'images-kmeans': dict(
        title='clusters of images, K-means',
        options={
            **_images,
            'default_hooks.clustering.refiner': None,
            'default_hooks.clustering.source': _kmeans,
        },
    ),
}
