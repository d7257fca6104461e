# What the tables of methods share: a search of three learning rates for each method, the methods of
# configs/baselines in the order of its README, and RCL. Everything else is as in their configs for
# digits, which share network, views, batch and epochs.
seeds = [0, 1, 2]
label_draws = 10
reference = 'instance-discrimination'
_rate = 'optim_wrapper.optimizer.lr'
search = dict(
    settings={f'lr-{rate}': {_rate: rate} for rate in (2e-3, 6e-3, 2e-2)}, seed=1000, held_out=0.5
)

_titles = {
    'instdisc': 'InstDisc',
    'cmc': 'CMC',
    'pirl': 'PIRL',
    'mocov2': 'MoCo v2',
    'mocov3': 'MoCo v3',
    'simclr': 'SimCLR',
    'byol': 'BYOL',
    'simsiam': 'SimSiam',
    'swav': 'SwAV, multi-crop',
    'swav-single': 'SwAV',
    'barlowtwins': 'Barlow Twins',
    'nnclr': 'NNCLR',
    'msf': 'MSF w/s',
    'msf-plain': 'MSF',
    'pcl': 'PCL v2',
    'odc': 'ODC',
    'localagg': 'LocalAgg',
    'deepcluster': 'DeepCluster',
    'selflabel': 'self-labelling',
    'adco': 'AdCo',
    'cpcv2': 'CPC v2',
    'infomin': 'InfoMin Aug.',
    'instance-discrimination': 'instance discrimination',
    'nnclr-positive': "RCL's loss, NNCLR's positive",
    'rcl': 'RCL as in the paper',
    'rcl-images': 'RCL, clusters of the images',
}
_names = {'swav': 'swav_resnet18_1xb128-mcrop-coslr-30e_digits'}


def _fixed(rate):
    # The rate of SimSiam's predictor, as its config sets it.
    hook = dict(type='SimSiamHook', priority='HIGH', fix_pred_lr=True, adjust_by_epoch=False)
    return {'custom_hooks': [dict(hook, lr=rate)]}


_searches = {
    'simsiam': {name: _fixed(each[_rate]) for name, each in search['settings'].items()},
}
# Seconds and memory are those of the training alone.
_measured = {'default_hooks.memory': dict(type='PeakMemoryHook'), 'default_hooks.knn': None}
_monitors = {f'default_hooks.{name}': None for name in ('collapse', 'pair_monitor')}
_of_rcl = {
    'instance-discrimination': _monitors,
    'nnclr-positive': _monitors,
    'rcl': {**_monitors, 'default_hooks.hierarchy_monitor': None},
    'rcl-images': {**_monitors, 'default_hooks.hierarchy_monitor': None},
}


def _arm(method):
    folder = 'rcl' if method.startswith('rcl') else 'baselines'
    name = _names.get(method, f'{method}_resnet18_1xb128-coslr-30e_digits')
    return dict(
        title=_titles[method],
        config=f'../{folder}/{name}.py',
        options={**_measured, **_of_rcl.get(method, {})},
        search=_searches.get(method, {}),
    )


arms = {method: _arm(method) for method in _titles}
