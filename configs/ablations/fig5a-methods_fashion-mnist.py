# Fig. 5a, number of epochs, with its six methods on Fashion-MNIST. Arms of 30 epochs are those that
# the search of methods_fashion-mnist chose, and share their runs. Warm-ups keep their length.
_base_ = 'methods_fashion-mnist.py'

title = 'Fig. 5a on Fashion-MNIST: methods'
xlabel = 'epochs'
search = None
reference = None
_chosen = {
    'rcl-images': 'lr-0.02',
    'instance-discrimination': 'lr-0.006',
    'simclr': 'lr-0.02',
    'simsiam': 'lr-0.02',
    'mocov3': 'lr-0.02',
    'byol': 'lr-0.02',
}
_lr_warmup = 4


def _lengthened(method, epochs):
    arm, setting = _base_.arms[method], _chosen[method]
    rate = {**_base_.search['settings'][setting], **arm['search'].get(setting, {})}
    schedule = {
        'train_cfg.max_epochs': epochs,
        'param_scheduler.1.T_max': epochs - _lr_warmup,
        'param_scheduler.1.end': epochs,
    }
    return dict(
        arm,
        title=f'{arm["title"]}, {epochs} epochs',
        options={**arm['options'], **rate, **schedule},
        search={},
        reference=f'instance-discrimination-{epochs}e',
        x=epochs,
        line=arm['title'],
    )


arms = {
    '_delete_': True,
    **{
        f'{method}-{epochs}e': _lengthened(method, epochs)
        for method in _chosen
        for epochs in (15, 30, 60)
    },
}
