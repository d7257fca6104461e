# Arms on Fashion-MNIST, from which the grids select, one entry per arm. The default config is RCL
# as in the paper: H = 3, three predictors, clusters of the keys by DBSCAN after warm-up, refined
# online, and a random same-cluster sample of the coarsest level as key.
_instance_discrimination = (
    '_base_/instance-discrimination_resnet18-small_1xb128-coslr-30e_fashion-mnist.py'
)
# Levels 2..H: target images per cluster of DBSCAN, the refiner's ranks of neighbours, and the
# number of clusters of hierarchical K-means.
_sizes = {2: [2.6], 3: [2.6, 5.0], 4: [2.6, 5.0, 10.0]}
_neighbors = {2: [4], 3: [4, 20], 4: [4, 20, 40]}
_clusters = {2: [100], 3: [300, 60], 4: [600, 200, 60]}


def _levels(num_levels, num_predictors=None):
    return {
        'model.hierarchy.num_levels': num_levels,
        'model.head.predictor.num_predictors': num_predictors or num_levels,
    }


def _shared(num_levels):
    return {
        **_levels(num_levels, 1),
        'default_hooks.clustering.source.mean_sizes': _sizes[num_levels],
        'default_hooks.clustering.refiner.neighbors': _neighbors[num_levels],
    }


def _keys(retriever, select):
    return {
        'model.retrievers': [dict(type='SameImageRetriever'), dict(type=retriever, select=select)]
    }


def _each_level(num_levels=4, num_predictors=None, select='random'):
    # A key of each level of a hierarchical K-means.
    return {
        **_levels(num_levels, num_predictors),
        **_keys('LevelRetriever', select),
        'default_hooks.clustering.source': dict(
            _delete_=True, type='HierarchicalKMeansSource', num_clusters=_clusters[num_levels]
        ),
        'default_hooks.clustering.refiner': None,
    }


def _images(num_levels=4, num_predictors=None, select='random'):
    # The same of the images, which need no warm-up.
    return {
        **_each_level(num_levels, num_predictors, select),
        'default_hooks.clustering.space': 'images',
        'default_hooks.clustering.warmup_epochs': 0,
    }


_each_epoch = {
    'default_hooks.clustering.refiner': None,
    'default_hooks.clustering.recluster_interval': 1,
}
_repel = {'model.head.loss.negative_pairs': 'repel'}
_true_classes = {
    'default_hooks.clustering.refiner': None,
    'default_hooks.clustering.source': dict(_delete_=True, type='ClassSource', num_levels=3),
}

_arms = {
    'instance-discrimination': dict(
        title='instance discrimination', config=_instance_discrimination
    ),
    'nnclr-positive': dict(
        title="NNCLR's positive",
        config=_instance_discrimination,
        options={'model.retrievers': [dict(type='NearestRetriever')]},
    ),
    'rcl': dict(title='RCL, H = 3, three predictors, online'),
    'h2-shared': dict(title='RCL, H = 2, one predictor', options=_shared(2)),
    'h3-shared': dict(title='RCL, H = 3, one predictor', options=_shared(3)),
    'h4-shared': dict(title='RCL, H = 4, one predictor', options=_shared(4)),
    'kmeans': dict(
        title='K-means each epoch',
        options={
            **_each_epoch,
            # 2.6 and 5 images a cluster
            'default_hooks.clustering.source': dict(
                _delete_=True, type='KMeansSource', num_clusters=[1154, 600]
            ),
        },
    ),
    'dbscan': dict(title='DBSCAN each epoch', options=_each_epoch),
    'frozen': dict(title='frozen after DBSCAN', options={'default_hooks.clustering.refiner': None}),
    'repel': dict(title='RCL, negative pairs repelled', options=_repel),
    'nearest': dict(
        title='RCL, nearest same-cluster key', options=_keys('ClusterRetriever', 'nearest')
    ),
    'each-level': dict(title='RCL, a key of each level', options=_keys('LevelRetriever', 'random')),
    'kmeans-keys': dict(
        title='a key of each of 4 levels, K-means of the keys each epoch',
        options={**_each_level(), 'default_hooks.clustering.recluster_interval': 1},
    ),
    'kmeans-maps': dict(
        title='a key of each of 4 levels, K-means of the maps each epoch from the 2nd',
        options={
            **_each_level(),
            'default_hooks.clustering.space': 'maps',
            'default_hooks.clustering.warmup_epochs': 1,
            'default_hooks.clustering.recluster_interval': 1,
        },
    ),
    'images': dict(
        title='a key of each of 4 levels, K-means of the images, once', options=_images()
    ),
    'images-online': dict(
        title='images, then refined online',
        options={
            **_images(),
            'default_hooks.clustering.refiner': dict(
                type='HierarchyRefiner', neighbors=[4, 15, 40]
            ),
        },
    ),
    'images-nearest': dict(
        title='images, nearest same-cluster keys', options=_images(select='nearest')
    ),
    'images-repel': dict(title='images, negative pairs repelled', options={**_images(), **_repel}),
    'images-h2': dict(title='images, H = 2, one predictor', options=_images(2, 1)),
    'images-h3-shared': dict(title='images, H = 3, one predictor', options=_images(3, 1)),
    'images-h3': dict(title='images, H = 3, three predictors', options=_images(3)),
    'images-h4-shared': dict(title='images, H = 4, one predictor', options=_images(4, 1)),
    'true-classes': dict(title='true classes as criteria', options=_true_classes),
    'true-classes-start': dict(
        title='true classes from the start',
        options={**_true_classes, 'default_hooks.clustering.warmup_epochs': 0},
    ),
    'true-classes-nearest': dict(
        title='true classes, nearest same-cluster key',
        options={**_true_classes, **_keys('ClusterRetriever', 'nearest')},
    ),
    'true-classes-repel': dict(
        title='true classes, negative pairs repelled', options={**_true_classes, **_repel}
    ),
}
