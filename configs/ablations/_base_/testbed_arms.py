# Arms of the testbeds. Each is a set of changes to RCL as in the paper: H = 3, three predictors,
# clusters of the keys by DBSCAN after warm-up, refined online.
_clustering = 'default_hooks.clustering'
_offline = {
    f'{_clustering}.refiner': None,
    'model.retrievers': [
        dict(type='SameImageRetriever'),
        dict(type='LevelRetriever', select='random'),
    ],
}
_each_epoch = {**_offline, f'{_clustering}.recluster_interval': 1}
_once = {**_offline, f'{_clustering}.warmup_epochs': 0}


def _source(**settings):
    return {f'{_clustering}.source': dict(_delete_=True, **settings)}


def _space(space):
    return {f'{_clustering}.space': space}


# Images a cluster at levels 2 and 3.
_fine = _source(type='FirstNeighborSource', mean_sizes=[5, 20])
_coarse = _source(type='FirstNeighborSource', mean_sizes=[20, 80])

seeds = [0, 1, 2]
reference = 'instance-discrimination'
headroom = ('instance-discrimination', 'true-classes')
measures = ['retrieval_hit_rate', 'pairs/key_precision']
arms = {
    'instance-discrimination': dict(
        title='instance discrimination',
        options={
            'model.head.predictor.num_predictors': 1,
            'model.retrievers': _offline['model.retrievers'][:1],
            'model.hierarchy': None,
            _clustering: None,
            'default_hooks.hierarchy_monitor': None,
        },
    ),
    'rcl': dict(title='RCL as in the paper, refined online'),
    'dbscan': dict(
        title='RCL as in the paper, DBSCAN each epoch',
        options={
            f'{_clustering}.refiner': None,
            f'{_clustering}.recluster_interval': 1,
        },
    ),
    'keys': dict(
        title='first neighbours of the keys each epoch, 5 and 20 images',
        options={**_each_epoch, **_fine},
    ),
    'keys-coarse': dict(
        title='first neighbours of the keys each epoch, 20 and 80 images',
        options={**_each_epoch, **_coarse},
    ),
    'images': dict(
        title='first neighbours of the images, 5 and 20 images',
        options={**_once, **_fine, **_space('images')},
    ),
    'images-coarse': dict(
        title='first neighbours of the images, 20 and 80 images',
        options={**_once, **_coarse, **_space('images')},
    ),
    'hog-coarse': dict(
        title='first neighbours by HOG, 20 and 80 images',
        options={**_once, **_coarse, **_space(dict(type='HOGFeatures', pixels_per_cell=4))},
    ),
    'true-classes': dict(
        title='true classes', options={**_once, **_source(type='ClassSource', num_levels=3)}
    ),
}
