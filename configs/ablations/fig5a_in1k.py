# Fig. 5a, number of epochs, on ImageNet-1k: RCL, instance discrimination, SimCLR and BYOL. The
# paper reports 72.6 and 75.8 top-1 of RCL at 200 and 800 epochs. All momentum encoders start from
# the same m: 0.99, and 0.996 at 800 epochs; SimCLR has none. Not run by us.
title = 'Fig. 5a on ImageNet-1k: epochs'
xlabel = 'epochs'
label_draws = 1
_lr_warmup = 10
_baselines = {
    'instance-discrimination': 'instance discrimination',
    'simclr': 'SimCLR',
    'byol': 'BYOL',
}


def _baseline(name, epochs):
    momentum = {'model.base_momentum': 0.004} if epochs == 800 and name != 'simclr' else {}
    return dict(
        title=f'{_baselines[name]}, {epochs} epochs',
        config=f'../baselines/{name}_resnet50_8xb512-coslr-200e_in1k.py',
        options={
            'train_cfg.max_epochs': epochs,
            'param_scheduler.1.T_max': epochs - _lr_warmup,
            'param_scheduler.1.end': epochs,
            **momentum,
        },
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
