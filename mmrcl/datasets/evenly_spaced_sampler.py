"""A small fixed sample of a data set."""

from collections.abc import Iterator, Sized

from mmengine.dist import get_dist_info
from torch.utils.data import Sampler

from mmrcl.registry import DATA_SAMPLERS

__all__ = ['EvenlySpacedSampler']


@DATA_SAMPLERS.register_module()
class EvenlySpacedSampler(Sampler[int]):
    """A fixed sample: evenly spaced over the data set and distributed to the ranks.

    Nothing is drawn at random. Every rank gets the same number of images; the
    last few are left out if the number is not divisible by the ranks.

    Args:
        dataset: The data set to sample.
        num_samples: Images of all ranks together; a smaller data set is used completely.
        seed: Unused, like the epoch; mmengine passes both to each sampler.

    Raises:
        ValueError: If there are fewer images than ranks.
    """

    def __init__(self, dataset: Sized, num_samples: int, seed: int | None = None) -> None:
        self.rank, self.processes = get_dist_info()
        self.seed = seed
        self.size = len(dataset)
        self.num_samples = min(num_samples, self.size)
        if self.num_samples < self.processes:
            raise ValueError(
                f'num_samples={num_samples} of {self.size} images leaves none for some of '
                f'{self.processes} processes: raise num_samples or use a larger data set'
            )

    def __len__(self) -> int:
        return self.num_samples // self.processes

    def __iter__(self) -> Iterator[int]:
        for turn in range(len(self)):
            yield (turn * self.processes + self.rank) * self.size // self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Ignore the epoch, which mmengine passes to each sampler."""
