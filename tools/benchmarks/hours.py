"""Compute the hours of a training, and the input that it needs, from its floating-point operations.

The operations of one step, forward and backward pass of all encoders and the loss, are counted by
torch on a few images; they grow linearly with the images. A GPU does a share of its peak of them:
for ResNets in half precision some 15 to 30 %. Nothing here was measured on a GPU: the hours are
what the counts imply. Clustering, evaluation and checkpoints are not in them.
"""

import argparse
from pathlib import Path

import mmrcl.threads  # noqa: F401  before torch

import measure
import torch
from memory import CONFIG, IMAGENET, build
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.registry import init_default_scope
from mmpretrain.structures import DataSample
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

# Peak of dense products in bfloat16, TFLOP/s, as the vendor states it.
PEAKS = {'A100': 312, 'H100': 989}


def operations(model: nn.Module, batch: int = 4, pixels: int = 224) -> float:
    """Count the operations of a training step for one image, both views and both encoders."""
    views = [torch.randn(batch, 3, pixels, pixels) for _ in range(2)]
    samples = [DataSample(metainfo=dict(sample_idx=index)) for index in range(batch)]
    with FlopCounterMode(display=False) as counter:
        model.loss(views, samples)['loss'].backward()
    return counter.get_total_flops() / batch


def rows(per_image: float, epochs: int, args: argparse.Namespace) -> list[dict[str, object]]:
    """Return a row for each GPU and share of its peak."""
    table: list[dict[str, object]] = []
    for name, peak in PEAKS.items():
        for share in args.share:
            images = args.gpus * share / 100 * peak * 1e12 / per_image
            table.append(
                {
                    'GPUs': f'{args.gpus} {name}',
                    'share of the peak': f'{share:g} %',
                    'images/s': f'{images:.0f}',
                    'minutes an epoch': f'{IMAGENET / images / 60:.1f}',
                    f'hours of {epochs} epochs': f'{epochs * IMAGENET / images / 3600:.0f}',
                    **{f'cores at {rate:g}': f'{images / rate:.0f}' for rate in args.rate},
                }
            )
    return table


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--config', type=Path, default=CONFIG, help="(default: RCL's 200 epochs)")
    parser.add_argument('--gpus', type=int, default=8, help='number of GPUs (8)')
    parser.add_argument(
        '--share', type=float, nargs='+', default=[15, 30], help='of the peak in %% (15 30)'
    )
    parser.add_argument(
        '--rate',
        type=float,
        nargs='+',
        default=[58, 400],
        help='images/s that a core reads (58 400)',
    )
    parser.add_argument('--out', type=Path, help='CSV file to write')
    args = parser.parse_args()
    if min(args.gpus, *args.share, *args.rate) <= 0:
        parser.error('--gpus, --share and --rate must be above 0')
    return args


def main() -> None:
    args = parse_args()
    init_default_scope('mmrcl')
    MessageHub.get_current_instance().update_info('max_iters', 10_000)
    print(f'{measure.machine("onedl-mmpretrain")}; computed, not measured on a GPU\n')
    per_image = operations(build(args.config))
    print(f'{per_image / 1e9:.1f} GFLOP an image\n')
    measure.show(rows(per_image, Config.fromfile(args.config).train_cfg.max_epochs, args), args.out)


if __name__ == '__main__':
    main()
