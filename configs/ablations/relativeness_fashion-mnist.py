# What relativeness does: three settings of negative pairs, levels and predictors, with all
# augmentations. Clusters of the images, made once, so that at each H all arms have the same
# criteria; and the paper's clusters of keys at H = 3. Not run yet.
_base_ = 'fig5c_fashion-mnist.py'

title = 'Relativeness on Fashion-MNIST, all augmentations'
reference = 'instance-discrimination'
headroom = ('instance-discrimination', 'true-classes-start')
measures = ['retrieval_hit_rate', 'pairs/key_precision']
draw = 'accuracy'
_settings = ('repel', 'graded', 'ignore')
_hierarchies = {2: 'images-h2', 3: 'images-h3-shared', 4: 'images-h4-shared'}
_view = _base_._views['all']


def _strong(name):
    arm = _base_._arms[name]
    options = {**arm.get('options', {}), 'data_preprocessor.views': [_view, _view]}
    return dict(arm, options=options)


def _arm(name, setting, num_predictors, title):
    options = {
        **_strong(name)['options'],
        'model.head.predictor.num_predictors': num_predictors,
        'model.head.loss.negative_pairs': setting,
    }
    return dict(title=f'{setting}, {title}', options=options)


arms = {
    '_delete_': True,
    **{name: _strong(name) for name in ('instance-discrimination', 'true-classes-start')},
    **{
        f'{setting}-h{levels}-p{number}': _arm(
            name, setting, number, f'H = {levels}, predictors: {number}'
        )
        for levels, name in _hierarchies.items()
        for number in (1, levels)
        for setting in _settings
    },
    **{
        f'{setting}-keys': _arm('rcl', setting, 3, 'H = 3, predictors: 3, clusters of keys')
        for setting in _settings
    },
}
