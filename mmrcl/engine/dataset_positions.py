"""A check of the dataset index by which memories and hierarchies know an image."""

from typing import Any

from mmrcl.datasets import SeededDataset


def check_sample_idx(dataset: Any) -> None:
    """Check that ``sample_idx`` of an image is its position in a training data set.

    Raises:
        ValueError: if that of the last image is not, as in concatenated and repeated data sets.
    """
    images = dataset.dataset if isinstance(dataset, SeededDataset) else dataset
    last = len(images) - 1
    found = images.get_data_info(last).get('sample_idx')
    if found != last:
        raise ValueError(
            f'the last of {last + 1} training images has sample_idx={found}, not its position: '
            'train on a single data set, neither concatenated nor repeated; ImageFolder reads '
            'several folders below one'
        )
