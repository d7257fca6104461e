"""The support queue S (Sect. 3): keys of past batches and their dataset indices."""

import torch
from torch import Tensor, nn

from mmrcl.registry import MODELS


@MODELS.register_module()
class SupportQueue(nn.Module):
    """First in, first out queue of keys and their dataset indices.

    Labels are not stored: they are looked up by index in the current hierarchy. All state is in
    buffers and saved in checkpoints. Entries that were never written have index -1.

    Entries are overwritten in place, before the backward pass of the step. A loss must not keep
    ``features`` for its backward pass, or torch ends it with an error;
    :func:`~mmrcl.models.streaming_logsumexp` and entries taken by index do not.

    Args:
        length: K, the number of entries; it need not be a multiple of the batch size.
        feat_dim: d, length of a feature.

    Attributes:
        interval: number of batches that are written together. The training loop sets it to the
            number of accumulated iterations; keys waiting for the rest of their optimiser step are
            not saved in checkpoints.
    """

    features: Tensor
    indices: Tensor
    pointer: Tensor

    def __init__(self, length: int, feat_dim: int = 256) -> None:
        super().__init__()
        if length < 1:
            raise ValueError(f'model.queue.length={length} must be at least 1')
        self.length = length
        self.feat_dim = feat_dim
        self.interval = 1
        self._waiting: list[tuple[Tensor, Tensor]] = []
        self.register_buffer('features', torch.zeros(length, feat_dim))
        self.register_buffer('indices', torch.full((length,), -1, dtype=torch.long))
        self.register_buffer('pointer', torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def enqueue(self, features: Tensor, indices: Tensor) -> None:
        """Overwrite the oldest entries by a batch; of more than K keys only the last K are kept.

        Args:
            features: L2-normalised keys, shape (n, d).
            indices: their images, shape (n,).
        """
        self._waiting.append((features, indices))
        if len(self._waiting) < self.interval:
            return
        self._write(*(torch.cat(parts) for parts in zip(*self._waiting, strict=True)))
        self._waiting.clear()

    def _write(self, features: Tensor, indices: Tensor) -> None:
        skipped = max(0, len(indices) - self.length)
        place = torch.arange(skipped, len(indices), device=self.indices.device)
        slots = (self.pointer + place) % self.length
        # In place: DistributedDataParallel keeps the buffers that it was given.
        self.features.index_copy_(0, slots, features[skipped:].to(self.features))
        self.indices.index_copy_(0, slots, indices[skipped:])
        self.pointer.copy_((self.pointer + len(indices)) % self.length)

    def extra_repr(self) -> str:
        """Describe the module in ``print(model)``."""
        return f'length={self.length}, feat_dim={self.feat_dim}'
