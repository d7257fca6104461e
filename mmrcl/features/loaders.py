"""Loaders that can start anywhere and survive an unreadable image."""


def resumable(dataloader: dict, multiple: int = 1) -> dict:
    """Config of a loader whose samples follow from seed, epoch and image alone.

    Args:
        dataloader: config of a loader, with ``sampler`` and ``dataset``.
        multiple: see :class:`mmrcl.datasets.ResumableSampler`.
    """
    sampler = dict(type='ResumableSampler', sampler=dataloader['sampler'], multiple=multiple)
    dataset = dict(type='SeededDataset', dataset=dataloader['dataset'])
    return dict(dataloader, sampler=sampler, dataset=dataset)
