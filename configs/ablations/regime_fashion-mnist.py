# The regime in which true classes as criteria are to show their worth: a queue of 7.7 % of the
# images as in the paper or of 68 % as in the grids of 3,000 images; entries of the query's class
# among the negatives or not; and the temperature.
_base_ = 'testbed_fashion-mnist.py'

title = '20,000 images of Fashion-MNIST: queue, negatives and temperature'
draw = 'difference'
_lines = {
    'instance-discrimination': ('instance discrimination', 'instance-discrimination', {}),
    'true-classes': ('true classes', 'true-classes', {}),
    'true-classes-excluded': (
        'true classes, none of the class among the negatives',
        'true-classes',
        {'model.head.exclude_same_cluster': True},
    ),
}
_queues = {1536: '7.7 %', 13600: '68 %'}


def _arm(line, length, temperature):
    title, name, changes = _lines[line]
    regime = f'queue of {_queues[length]}, temperature {temperature}'
    options = {
        **_base_.arms[name]['options'],
        **changes,
        'model.queue.length': length,
        'model.head.loss.temperature': temperature,
    }
    return dict(
        title=f'{title}, {regime}',
        x=regime,
        line=title,
        options=options,
        reference=f'instance-discrimination-{length}-{temperature}',
    )


arms = dict(
    _delete_=True,
    **{
        f'{line}-{length}-{temperature}': _arm(line, length, temperature)
        for line in _lines
        for length in _queues
        for temperature in (0.1, 0.2)
    },
)
headroom = None
