# What relativeness does: three settings of negative pairs, levels and predictors. Clusters of the
# images, made once, so that at each H all arms have the same criteria; and the paper's clusters of
# keys at H = 3. Not run yet.
title = 'Relativeness on digits'
config = '../rcl/rcl-images_resnet18_1xb128-coslr-30e_digits.py'
seeds = [0, 1, 2]
label_draws = 10
reference = 'instance-discrimination'
measures = ['retrieval_hit_rate', 'pairs/key_precision']
_settings = ('repel', 'graded', 'ignore')
# Target images per cluster of levels 2..H; the coarsest is the same at each H.
_sizes = {2: [20], 3: [5, 20], 4: [2.6, 5, 20]}


def _arm(levels, setting, num_predictors):
    return dict(
        title=f'{setting}, H = {levels}, predictors: {num_predictors}',
        options={
            'model.hierarchy.num_levels': levels,
            'model.head.predictor.num_predictors': num_predictors,
            'model.head.loss.negative_pairs': setting,
            'default_hooks.clustering.source.mean_sizes': _sizes[levels],
        },
    )


arms = {
    'instance-discrimination': dict(
        title='instance discrimination',
        config='../baselines/instance-discrimination_resnet18_1xb128-coslr-30e_digits.py',
    ),
    **{
        f'{setting}-h{levels}-p{number}': _arm(levels, setting, number)
        for levels in _sizes
        for number in (1, levels)
        for setting in _settings
    },
    **{
        f'{setting}-keys': dict(
            title=f'{setting}, H = 3, predictors: 3, clusters of keys',
            config='../rcl/rcl_resnet18_1xb128-coslr-30e_digits.py',
            options={'model.head.loss.negative_pairs': setting},
        )
        for setting in _settings
    },
}
