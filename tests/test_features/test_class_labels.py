"""Classes of data sets, for measures."""

import numpy as np
import pytest
import torch

from mmrcl.clustering import ClassSource
from mmrcl.features.class_labels import class_hierarchy_of, classes_of, with_coarser


class Labelled:
    """A data set of OpenMMLab's kind, as far as its classes go."""

    def __init__(self, labels, **metainfo):
        self.labels = labels
        self.metainfo = metainfo

    def __len__(self):
        return len(self.labels)

    def get_data_info(self, index):
        label = self.labels[index]
        return {} if label is None else dict(gt_label=label)


@pytest.mark.parametrize('kind', [int, np.int64, np.array, torch.tensor])
def test_classes_of_any_integer_are_read(kind):
    found = classes_of(Labelled([kind(label) for label in (2, 0, 1)]))
    assert found.tolist() == [2, 0, 1]


@pytest.mark.parametrize('labels', [[1, None], [1, [0, 2]], [np.array([1]), np.array([0])]])
def test_missing_and_several_classes_are_none(labels):
    assert classes_of(Labelled(labels)) is None


def test_images_without_classes_show_no_progress(capsys):
    assert classes_of(Labelled([None] * 30)) is None
    assert capsys.readouterr().out == ''


# Six letters of two cases, three letters, two scripts.
LETTERS = ('a', 'A', 'b', 'B', 'omega', 'OMEGA')
NESTED = [[0, 0, 1, 1, 2, 2], [5, 5, 5, 5, 3, 3]]


def test_coarser_classes_are_looked_up_by_the_class():
    labels = [5, 0, 1, 3, 2, 4, 5]
    dataset = Labelled(labels, classes=LETTERS, class_hierarchy=NESTED)
    columns = with_coarser(classes_of(dataset), dataset)
    assert columns.tolist() == [labels, *([row[label] for label in labels] for row in NESTED)]
    levels = ClassSource(num_levels=5)(torch.zeros(7, 2), columns)
    assert torch.equal(levels, columns[[0, 1, 2, 2]])


def test_classes_without_a_hierarchy_stay():
    classes = torch.tensor([1, 0])
    assert with_coarser(classes, Labelled([1, 0])) is classes
    assert with_coarser(None, Labelled([1, 0], class_hierarchy=NESTED)) is None


@pytest.mark.parametrize('kind', [np.array, torch.tensor, list])
def test_a_hierarchy_is_an_array_or_a_list(kind):
    assert class_hierarchy_of(Labelled([0], class_hierarchy=kind(NESTED))).tolist() == NESTED


@pytest.mark.parametrize(
    ('hierarchy', 'sentence'),
    [
        (
            [[0, 0, 1, 1, 2, 2], [5, 5, 5, 3, 3, 3]],
            'does not nest: b and B are of one class in row 0',
        ),
        ([[0, 0, 1, 1, 2]], 'has 5 columns, but there are 6 classes'),
        ([0, 0, 1, 1, 2, 2], r'class_hierarchy of shape \(6,\)'),
    ],
)
def test_a_hierarchy_that_is_wrong_is_refused(hierarchy, sentence):
    with pytest.raises(ValueError, match=sentence):
        class_hierarchy_of(Labelled([0], classes=LETTERS, class_hierarchy=hierarchy))


def test_a_class_without_coarser_ones_is_named():
    dataset = Labelled([6, 0], class_hierarchy=NESTED)
    with pytest.raises(ValueError, match='has 6 columns, but an image is of class 6'):
        with_coarser(classes_of(dataset), dataset)
