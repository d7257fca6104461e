# Fig. 5a, number of epochs, on Fashion-MNIST. The warm-up of the learning rate keeps its length.
_base_ = '_base_/fashion-mnist_arms.py'

title = 'Fig. 5a on Fashion-MNIST: epochs'
xlabel = 'epochs'
config = '_base_/rcl_resnet18-small_1xb128-coslr-30e_fashion-mnist.py'
seeds = [0, 1, 2]
_lines = {
    'rcl': ('RCL', 'images'),
    'instance-discrimination': ('instance discrimination', 'instance-discrimination'),
}
_lr_warmup = 4


def _arm(line, epochs):
    title, name = _lines[line]
    arm = dict(_base_._arms[name], title=f'{title}, {epochs} epochs', x=epochs, line=title)
    schedule = {
        'train_cfg.max_epochs': epochs,
        'param_scheduler.1.T_max': epochs - _lr_warmup,
        'param_scheduler.1.end': epochs,
    }
    options = {**arm.get('options', {}), **schedule}
    return dict(arm, options=options, reference=f'instance-discrimination-{epochs}e')


arms = {f'{line}-{epochs}e': _arm(line, epochs) for line in _lines for epochs in (15, 30, 60)}
