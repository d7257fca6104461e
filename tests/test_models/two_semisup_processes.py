"""Started once a process by torch's launcher: a step of Meta Pseudo Labels on half a batch."""

import sys
from pathlib import Path

import torch
import torch.distributed as dist

from tests.test_models.test_semisup import certain_meta, part_of_batch, student_of

if __name__ == '__main__':
    dist.init_process_group('gloo')
    rank = dist.get_rank()
    model = certain_meta()
    losses = model.loss(*part_of_batch(slice(rank, None, 2)))
    losses['loss_student'].backward()
    report = dict(
        feedback=losses['feedback'],
        baseline=model.baseline,
        gradients=[each.grad for each in student_of(model)],
    )
    torch.save(report, Path(sys.argv[1], f'{rank}.pth'))
    dist.destroy_process_group()
