# The regime in which true classes as criteria are to show their worth, with all augmentations: a
# queue of 68 % of the images as in the other grids, or of 7.7 % as in the paper; entries of the
# query's class among the negatives, or not; and the temperature. Not run by us.
_base_ = 'fig5c_fashion-mnist.py'

title = 'Fashion-MNIST, all augmentations: queue, negatives and temperature'
draw = 'difference'
measures = ['retrieval_hit_rate', 'pairs/key_precision']
_view = _base_._views['all']
_lines = {
    'instance-discrimination': ('instance discrimination', 'instance-discrimination', {}),
    'true-classes': ('true classes', 'true-classes-start', {}),
    'true-classes-excluded': (
        'true classes, none of the class among the negatives',
        'true-classes-start',
        {'model.head.exclude_same_cluster': True},
    ),
}
_queues = {2048: '68 %', 231: '7.7 %'}


def _arm(line, length, temperature):
    title, name, changes = _lines[line]
    regime = f'queue of {_queues[length]}, temperature {temperature}'
    arm = dict(_base_._arms[name], title=f'{title}, {regime}', x=regime, line=title)
    options = {
        **arm.get('options', {}),
        **changes,
        'data_preprocessor.views': [_view, _view],
        'model.queue.length': length,
        'model.head.loss.temperature': temperature,
    }
    return dict(arm, options=options, reference=f'instance-discrimination-{length}-{temperature}')


arms = dict(
    _delete_=True,
    **{
        f'{line}-{length}-{temperature}': _arm(line, length, temperature)
        for line in _lines
        for length in _queues
        for temperature in (0.05, 0.1, 0.2)
    },
)
