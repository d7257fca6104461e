# Arms on Fashion-MNIST, for the grids beside this folder to choose from. One entry an arm; RCL with
# its shipped settings, H = 3 with three predictors and online refinement, is the config itself.
_own_view = '_base_/own-view_resnet18-small_1xb128-coslr-30e_fashion-mnist.py'
# Levels 2..H: wanted images a cluster of DBSCAN, and the refiner's target sizes.
_sizes = {2: [2.6], 3: [2.6, 5.0], 4: [2.6, 5.0, 10.0]}
_neighbors = {2: [4], 3: [4, 20], 4: [4, 20, 40]}


def _levels(num_levels):
    return {
        'model.hierarchy.num_levels': num_levels,
        'model.head.predictor.num_predictors': 1,
        'custom_hooks.0.source.mean_sizes': _sizes[num_levels],
        'custom_hooks.0.refiner.neighbors': _neighbors[num_levels],
    }


_each_epoch = {'custom_hooks.0.refiner': None, 'custom_hooks.0.recluster_interval': 1}

_arms = {
    'own-view': dict(title='own view', config=_own_view),
    'nnclr-positive': dict(
        title="NNCLR's positive",
        config=_own_view,
        options={'model.retrievers': [dict(type='NearestRetriever')]},
    ),
    'h2-shared': dict(title='RCL, H = 2, one predictor', options=_levels(2)),
    'h3-shared': dict(title='RCL, H = 3, one predictor', options=_levels(3)),
    'h4-shared': dict(title='RCL, H = 4, one predictor', options=_levels(4)),
    'rcl': dict(title='RCL, H = 3, three predictors, online'),
    'kmeans': dict(
        title='K-means each epoch',
        options={
            **_each_epoch,
            # 2.6 and 5 images a cluster
            'custom_hooks.0.source': dict(
                _delete_=True, type='KMeansSource', num_clusters=[1540, 800]
            ),
        },
    ),
    'dbscan': dict(title='DBSCAN each epoch', options=_each_epoch),
    'frozen': dict(title='frozen after DBSCAN', options={'custom_hooks.0.refiner': None}),
    'literal': dict(
        title='RCL, judged-negative pairs to the letter',
        options={'model.head.loss.judged_negative': 'literal'},
    ),
    'true-classes': dict(
        title='true classes as criteria',
        options={
            'custom_hooks.0.refiner': None,
            'custom_hooks.0.source': dict(_delete_=True, type='ClassSource', num_levels=3),
        },
    ),
}
