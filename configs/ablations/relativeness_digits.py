# What relativeness does: three settings of negative pairs, levels and predictors. First-neighbour
# clusters of the images, made once, so that at each H all arms have the same criteria; and of the
# keys, which are less clean.
_base_ = 'testbed_digits.py'

title = 'Relativeness on digits'
_settings = ('repel', 'graded', 'ignore')
# Images a cluster at levels 2..H; the coarsest is the same at each H.
_sizes = {2: [20], 3: [5, 20], 4: [2.6, 5, 20]}


def _arm(levels, setting, num_predictors):
    return dict(
        title=f'{setting}, H = {levels}, predictors: {num_predictors}',
        options={
            **_base_.arms['images']['options'],
            'model.hierarchy.num_levels': levels,
            'model.head.predictor.num_predictors': num_predictors,
            'model.head.loss.negative_pairs': setting,
            'default_hooks.clustering.source': dict(
                _delete_=True, type='FirstNeighborSource', mean_sizes=_sizes[levels]
            ),
        },
    )


arms = {
    '_delete_': True,
    **{name: _base_.arms[name] for name in ('instance-discrimination', 'true-classes')},
    **{
        f'{setting}-h{levels}-p{number}': _arm(levels, setting, number)
        for levels in _sizes
        for number in (1, levels)
        for setting in _settings
    },
    **{
        f'{setting}-keys': dict(
            title=f'{setting}, H = 3, predictors: 3, clusters of the keys',
            options={
                **_base_.arms['keys']['options'],
                'model.head.loss.negative_pairs': setting,
            },
        )
        for setting in _settings
    },
}
