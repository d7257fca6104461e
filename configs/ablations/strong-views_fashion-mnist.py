# The headroom with all augmentations of Fig. 5c, with which instance discrimination is far better
# than with a crop and a flip alone.
_base_ = 'fig5c_fashion-mnist.py'

title = 'Fashion-MNIST, all augmentations'
reference = 'instance-discrimination'
headroom = ('instance-discrimination', 'true-classes-start')
measures = ['retrieval_hit_rate', 'pairs/key_precision']
draw = 'accuracy'
_view = _base_._views['all']


def _strong(arm):
    options = {**arm.get('options', {}), 'data_preprocessor.views': [_view, _view]}
    return dict(arm, options=options)


_names = ('instance-discrimination', 'rcl', 'images', 'true-classes-start')
arms = dict(_delete_=True, **{name: _strong(_base_._arms[name]) for name in _names})
