"""Started once a process by torch's launcher: trains a tiny run and dumps the state of its rank."""

import sys
from pathlib import Path

import torch
from mmengine.dist import get_rank

from tests.runs import tiny_config, train

if __name__ == '__main__':
    torch.set_num_threads(1)
    work_dir = Path(sys.argv[1])
    # 192 images, 16 a rank and batch: 6 iterations an epoch, the warm-up ends after 12 of 30.
    config = tiny_config(work_dir, train_dataloader__batch_size=16, train_cfg__max_epochs=5)
    config.launcher = 'pytorch'
    config.experiment_name = 'two_processes'
    runner = train(config)
    model = runner.model.module
    torch.save(
        dict(
            iters=runner.iter,
            parameters=dict(model.named_parameters()),
            momentum=dict(model.momentum_encoder.named_parameters()),
            queue=model.queue.state_dict(),
            hierarchy=model.hierarchy.state_dict(),
        ),
        work_dir / f'rank_{get_rank()}.pth',
    )
