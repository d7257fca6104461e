"""Started once a process by torch's launcher: NNCLR's loss of half a batch and its gradient."""

import json
import sys
from pathlib import Path

import torch
import torch.distributed as dist

from mmrcl.models import NearestNeighborLoss

if __name__ == '__main__':
    dist.init_process_group('gloo')
    rank = dist.get_rank()
    generator = torch.Generator().manual_seed(0)
    both = torch.randn(2, 8, 5, generator=generator)
    predictions, neighbors = both[:, 4 * rank : 4 * rank + 4]
    weight = torch.eye(5, requires_grad=True)
    loss = NearestNeighborLoss(0.1)(predictions @ weight, neighbors)
    loss.backward()
    report = dict(loss=loss.item(), gradient=weight.grad.tolist())
    Path(sys.argv[1], f'{rank}.json').write_text(json.dumps(report))
    dist.destroy_process_group()
