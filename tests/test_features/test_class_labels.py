"""Classes of data sets, for measures."""

import numpy as np
import pytest
import torch

from mmrcl.features.class_labels import classes_of


class Labelled:
    """A data set of OpenMMLab's kind, as far as its classes go."""

    def __init__(self, labels):
        self.labels = labels

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
