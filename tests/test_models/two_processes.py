"""Started once a process by torch's launcher: losses of half a batch, and what they write."""

import json
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from mmrcl.models import FeatureBank, NearestNeighborLoss, NoiseContrastiveLoss
from mmrcl.models.selfsup.parts import keys_of_all_ranks
from tests.test_models.shared_steps import ALGORITHMS, train

if __name__ == '__main__':
    dist.init_process_group('gloo')
    rank, folder = dist.get_rank(), Path(sys.argv[1])
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
    (folder / f'{rank}.json').write_text(json.dumps(report))
    for name, build in ALGORITHMS.items():
        model = build()
        train(model, DistributedDataParallel(model), rank, 2)
        torch.save(model.state_dict(), folder / f'{name}_{rank}.pth')
    # The process group ends with the process: gloo's threads need not end while a distributed model
    # lives.
