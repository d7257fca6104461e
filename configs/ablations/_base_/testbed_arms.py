# Arms of the testbeds of 20,000 images. Each is a set of changes to RCL as in the paper: H = 3,
# three predictors, clusters of the keys by DBSCAN after warm-up, refined online.
_each_level = [dict(type='SameImageRetriever'), dict(type='LevelRetriever', select='random')]
_once = {'default_hooks.clustering.warmup_epochs': 0, 'default_hooks.clustering.refiner': None}

seeds = [0, 1, 2]
reference = 'instance-discrimination'
headroom = ('instance-discrimination', 'true-classes')
measures = ['retrieval_hit_rate', 'pairs/key_precision']
arms = {
    'instance-discrimination': dict(
        title='instance discrimination',
        options={
            'model.head.predictor.num_predictors': 1,
            'model.retrievers': _each_level[:1],
            'model.hierarchy': None,
            'default_hooks.clustering': None,
            'default_hooks.hierarchy_monitor': None,
        },
    ),
    'rcl': dict(title='RCL, clusters of the keys'),
    'images': dict(
        title='RCL, clusters of the images',
        options={
            **_once,
            'model.retrievers': _each_level,
            'default_hooks.clustering.space': 'images',
            # 5 and 20 images a cluster
            'default_hooks.clustering.source': dict(
                _delete_=True, type='HierarchicalKMeansSource', num_clusters=[4000, 1000]
            ),
        },
    ),
    'true-classes': dict(
        title='true classes',
        options={
            **_once,
            'default_hooks.clustering.source': dict(
                _delete_=True, type='ClassSource', num_levels=3
            ),
        },
    ),
}
