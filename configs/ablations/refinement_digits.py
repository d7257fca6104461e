# How clusters of the keys are kept up to date: online, to the letter of the paper where it is
# clear, by DBSCAN each epoch, or not at all.
_base_ = 'testbed_digits.py'

title = 'Refinement on digits'
_clustering = 'default_hooks.clustering'


def _online(title, **settings):
    options = {f'{_clustering}.refiner.{key}': value for key, value in settings.items()}
    return dict(title=f'online, {title}', options=options)


arms = {
    '_delete_': True,
    **{
        name: _base_.arms[name]
        for name in ('instance-discrimination', 'rcl', 'dbscan', 'keys', 'true-classes')
    },
    'frozen': dict(title='DBSCAN once', options={f'{_clustering}.refiner': None}),
    'mutual': _online(
        'most similar pairs, loose clusters dissolved', join='mutual', neighbors=[16, 80]
    ),
    # Sect. 4.3 compares centres with a hyper-parameter sigma_m, of which it tells no value, and
    # splits any cluster of more units than prototypes. 0.9 is not tuned.
    'literal': _online(
        'to the letter: all pairs of similar centres, a fixed sigma',
        merge='centers',
        merge_threshold=0.9,
        min_units=3,
    ),
    'keys-online': dict(
        title='first neighbours of the keys, then refined online',
        options={f'{_clustering}.source': _base_.arms['keys']['options'][f'{_clustering}.source']},
    ),
}
