# Fig. 5a, number of epochs, with its six methods on Fashion-MNIST, as in methods_fashion-mnist but
# without a search: each has the settings of its config. Warm-ups keep their length. Not run by us.
_base_ = 'methods_fashion-mnist.py'

title = 'Fig. 5a on Fashion-MNIST: methods'
xlabel = 'epochs'
search = None
reference = None
_methods = ('rcl-images', 'instance-discrimination', 'simclr', 'simsiam', 'mocov3', 'byol')
_lr_warmup = 4


def _lengthened(method, epochs):
    arm = _base_.arms[method]
    schedule = {
        'train_cfg.max_epochs': epochs,
        'param_scheduler.1.T_max': epochs - _lr_warmup,
        'param_scheduler.1.end': epochs,
    }
    return dict(
        arm,
        title=f'{arm["title"]}, {epochs} epochs',
        options={**arm['options'], **schedule},
        search={},
        reference=f'instance-discrimination-{epochs}e',
        x=epochs,
        line=arm['title'],
    )


arms = {
    '_delete_': True,
    **{
        f'{method}-{epochs}e': _lengthened(method, epochs)
        for method in _methods
        for epochs in (15, 30, 60)
    },
}
