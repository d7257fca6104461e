"""Started once a process by torch's launcher: losses of half a batch, and what they write."""

import json
import sys
from pathlib import Path

import torch
import torch.distributed as dist

from mmrcl.models import FeatureBank, NearestNeighborLoss, NoiseContrastiveLoss
from mmrcl.models.selfsup.parts import keys_of_all_ranks

if __name__ == '__main__':
    dist.init_process_group('gloo')
    rank = dist.get_rank()
    generator = torch.Generator().manual_seed(0)
    both = torch.randn(2, 8, 5, generator=generator)
    predictions, neighbors = both[:, 4 * rank : 4 * rank + 4]
    weight = torch.eye(5, requires_grad=True)
    loss = NearestNeighborLoss(0.1)(predictions @ weight, neighbors)
    loss.backward()
    noise = NoiseContrastiveLoss(0.5)
    noise(predictions, neighbors, both[:, 4 * rank : 4 * rank + 4].transpose(0, 1))
    torch.manual_seed(0)
    bank = FeatureBank(8, 5)
    found = keys_of_all_ranks(torch.arange(rank, 8, 2), predictions)
    bank.update(found.indices, found.features)
    report = dict(
        loss=loss.item(),
        gradient=weight.grad.tolist(),
        log_mean=noise.log_mean.item(),
        bank=bank.features.tolist(),
    )
    Path(sys.argv[1], f'{rank}.json').write_text(json.dumps(report))
    dist.destroy_process_group()
