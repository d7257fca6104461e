"""A small fixed sample of a data set."""

from collections.abc import Iterator, Sized

from mmengine.dist import get_dist_info
from torch.utils.data import Sampler

from mmrcl.registry import DATA_SAMPLERS

__all__ = ['EvenlySpacedSampler']


@DATA_SAMPLERS.register_module()
class EvenlySpacedSampler(Sampler[int]):
    """The same images in each pass: evenly spaced over the data set, shared out to the ranks.

    Nothing is drawn at random. Every rank gets as many images; of a number that
    the ranks do not divide, the last few are left out.

    Args:
        dataset: What to sample.
        num_samples: Images of all ranks together; a smaller data set is taken whole.
        seed: Unused, as the epoch is; mmengine gives both to each sampler.

    Raises:
        ValueError: If there is not an image for every rank.
    """

    def __init__(self, dataset: Sized, num_samples: int, seed: int | None = None) -> None:
        self.rank, self.processes = get_dist_info()
        self.seed = seed
        self.size = len(dataset)
        self.num_samples = min(num_samples, self.size)
        if self.num_samples < self.processes:
            raise ValueError(
                f'num_samples={num_samples} of {self.size} images leaves none for some of '
                f'{self.processes} processes: raise num_samples or give a larger data set'
            )

    def __len__(self) -> int:
        return self.num_samples // self.processes

    def __iter__(self) -> Iterator[int]:
        for turn in range(len(self)):
            yield (turn * self.processes + self.rank) * self.size // self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Ignore the epoch, which mmengine tells each sampler."""
