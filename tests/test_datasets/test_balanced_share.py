import numpy as np
import pytest

from mmrcl.datasets import Digits, SampleKey
from mmrcl.registry import DATASETS

DIGITS = dict(type='Digits', split='train', pipeline=[dict(type='PackInputs')])


def share(**settings) -> object:
    return DATASETS.build(dict(type='BalancedShare', dataset=DIGITS, **settings))


def images(dataset) -> list[bytes]:
    return [dataset.get_data_info(i)['img'].tobytes() for i in range(len(dataset))]


@pytest.mark.parametrize(('fraction', 'count'), [(0.01, 10), (0.1, 143), (1, 1442)])
def test_every_class_gives_its_share(fraction, count):
    dataset = share(fraction=fraction)
    assert len(dataset) == count
    whole = np.bincount(Digits('train').get_gt_labels())
    assert (np.abs(np.bincount(dataset.get_gt_labels()) - fraction * whole) <= 0.5).all()


def test_the_draw_follows_from_the_seed():
    assert images(share(fraction=0.1, seed=3)) == images(share(fraction=0.1, seed=3))
    assert images(share(fraction=0.1, seed=3)) != images(share(fraction=0.1, seed=4))


def test_the_rest_is_what_the_share_leaves_in_its_order():
    kept, left = (images(share(fraction=0.2, seed=3, rest=rest)) for rest in (False, True))
    whole = images(DATASETS.build(DIGITS))
    assert len(kept) + len(left) == 1442 and len(set(kept) & set(left)) == 0
    assert left == [image for image in whole if image not in set(kept)]


def test_sample_idx_is_the_position_in_the_share():
    seeded = DATASETS.build(
        dict(
            type='SeededDataset', dataset=dict(type='BalancedShare', fraction=0.01, dataset=DIGITS)
        )
    )
    items = [seeded[SampleKey(0, 0, image)] for image in range(len(seeded))]
    assert [item['data_samples'].sample_idx for item in items] == list(range(10))
    assert sorted(int(item['data_samples'].gt_label) for item in items) == list(range(10))


def test_a_wrong_share_is_refused():
    with pytest.raises(ValueError, match='fraction must lie in'):
        share(fraction=10)
    with pytest.raises(ValueError, match='fraction=1 leaves no image: lower it'):
        share(fraction=1, rest=True)
