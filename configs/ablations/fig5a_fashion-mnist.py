# Fig. 5a, number of epochs, on Fashion-MNIST. Both warm-ups keep their epochs.
title = 'Fig. 5a on Fashion-MNIST: epochs'
xlabel = 'epochs'
seeds = [0, 1, 2]
_configs = {
    'RCL': '_base_/rcl_resnet18-small_1xb128-coslr-30e_fashion-mnist.py',
    'own view': '_base_/own-view_resnet18-small_1xb128-coslr-30e_fashion-mnist.py',
}
_lr_warmup = 4


def _arm(line, epochs):
    return dict(
        title=f'{line}, {epochs} epochs',
        config=_configs[line],
        options={
            'train_cfg.max_epochs': epochs,
            'param_scheduler.1.T_max': epochs - _lr_warmup,
            'param_scheduler.1.end': epochs,
        },
        reference=f'own-view-{epochs}e',
        x=epochs,
        line=line,
    )


arms = {
    f'{name}-{epochs}e': _arm(line, epochs)
    for name, line in {'rcl': 'RCL', 'own-view': 'own view'}.items()
    for epochs in (20, 40, 80)
}
