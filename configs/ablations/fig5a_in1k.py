# Fig. 5a, number of epochs, on ImageNet-1k: RCL, instance discrimination, SimCLR, SimSiam, MoCo v3
# and BYOL. The paper reports 72.6 and 75.8 top-1 of RCL at 200 and 800 epochs. All momentum
# encoders start from the same m: 0.99, and 0.996 at 800 epochs; SimCLR and SimSiam have none. Not
# run by us.
title = 'Fig. 5a on ImageNet-1k: epochs'
xlabel = 'epochs'
label_draws = 1
_baselines = {
    'instance-discrimination': 'instance discrimination',
    'simclr': 'SimCLR',
    'simsiam': 'SimSiam',
    'mocov3': 'MoCo v3',
    'byol': 'BYOL',
}
_configs = {
    'simsiam': 'simsiam_resnet50_8xb32-coslr-200e_in1k',
    'mocov3': 'mocov3_resnet50_8xb512-coslr-300e_in1k',
}
# 800 epochs as they are published.
_long = ('simclr', 'simsiam', 'mocov3')


def _schedule(name, epochs):
    warmup = 0 if name == 'simsiam' else 10
    cosine = f'param_scheduler.{int(warmup > 0)}'
    return {
        'train_cfg.max_epochs': epochs,
        f'{cosine}.T_max': epochs - warmup,
        f'{cosine}.end': epochs,
    }


def _baseline(name, epochs):
    config = _configs.get(name, f'{name}_resnet50_8xb512-coslr-200e_in1k')
    options = _schedule(name, epochs)
    if epochs == 800 and name in _long:
        config = config.replace('200e', '800e').replace('300e', '800e')
        options = {}
    elif epochs == 800:
        options['model.base_momentum'] = 0.004
    return dict(
        title=f'{_baselines[name]}, {epochs} epochs',
        config=f'../baselines/{config}.py',
        options=options,
        x=epochs,
        line=_baselines[name],
    )


arms = {
    f'rcl-{epochs}e': dict(
        title=f'RCL, {epochs} epochs',
        config=f'../rcl/rcl_resnet50_8xb512-coslr-{epochs}e_in1k.py',
        reference=f'instance-discrimination-{epochs}e',
        x=epochs,
        line='RCL',
    )
    for epochs in (200, 400, 800)
}
for _name in _baselines:
    for _epochs in (200, 400, 800):
        arms[f'{_name}-{_epochs}e'] = _baseline(_name, _epochs)
