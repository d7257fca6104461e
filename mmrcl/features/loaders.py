"""Loaders that can start at any position and replace unreadable images."""


def resumable(dataloader: dict, multiple: int = 1) -> dict:
    """Convert the config of a loader so that samples depend only on seed, epoch and image.

    Args:
        dataloader: config of a loader, with ``sampler`` and ``dataset``.
        multiple: see :class:`mmrcl.datasets.ResumableSampler`.
    """
    sampler = dict(type='ResumableSampler', sampler=dataloader['sampler'], multiple=multiple)
    dataset = dict(type='SeededDataset', dataset=dataloader['dataset'])
    return dict(dataloader, sampler=sampler, dataset=dataset)
