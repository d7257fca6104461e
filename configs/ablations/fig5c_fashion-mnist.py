# Fig. 5c, augmentations removed, on Fashion-MNIST. The full set has more augmentations than the
# crop and flip of RCL's config, so that there is something to remove.
_base_ = ['_base_/fashion-mnist_arms.py', '_base_/fashion-mnist_views.py']

title = 'Fig. 5c on Fashion-MNIST: augmentations removed'
config = '_base_/rcl_resnet18-small_1xb128-coslr-30e_fashion-mnist.py'
seeds = [0, 1, 2]
draw = 'difference'
_lines = {
    'rcl': ('RCL', 'images'),
    'instance-discrimination': ('instance discrimination', 'instance-discrimination'),
}


def _name(line, view):
    return f'{line}-{view}'.replace(' ', '-')


def _arm(line, view):
    title, name = _lines[line]
    arm = dict(_base_._arms[name], title=f'{title}, {view}', x=view, line=title)
    views = [_base_._views[view], _base_._views[view]]
    options = {**arm.get('options', {}), 'data_preprocessor.views': views}
    return dict(arm, options=options, reference=_name(line, 'all'))


arms = {_name(line, view): _arm(line, view) for line in _lines for view in _base_._views}
