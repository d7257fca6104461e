# Table 3, predictors and levels, on ImageNet-1k. The paper reports 70.2, 71.3, 71.8, 71.4 and 72.6
# top-1 in this order. H = 1 is instance discrimination. Radii as in Table 4, from fine to coarse.
# Not run by us.
title = 'Table 3 on ImageNet-1k: predictors and levels'
config = '../rcl/rcl_resnet50_8xb512-coslr-200e_in1k.py'
reference = 'h1-shared'
label_draws = 1
measures = ['retrieval_hit_rate']
_radii = [0.6, 0.7, 0.8]
_neighbors = [4, 20, 40]


def _levels(num_levels):
    return {
        'model.hierarchy.num_levels': num_levels,
        'model.head.predictor.num_predictors': 1,
        'default_hooks.clustering.source.eps': _radii[: num_levels - 1],
        'default_hooks.clustering.refiner.neighbors': _neighbors[: num_levels - 1],
    }


arms = {
    'h1-shared': dict(
        title='H = 1, one predictor',
        config='../baselines/instance-discrimination_resnet50_8xb512-coslr-200e_in1k.py',
    ),
    **{
        f'h{levels}-shared': dict(title=f'H = {levels}, one predictor', options=_levels(levels))
        for levels in (2, 3, 4)
    },
    'h3': dict(title='H = 3, three predictors'),
}
