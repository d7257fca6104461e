"""Compute the memory that a training needs on each GPU, without one.

The activations kept for the backward pass are those that autograd saves in a forward pass of a few
images on the CPU, each storage counted once; they grow linearly with the images. Added are the two
views in float32, and what does not depend on the batch: weights with their gradients, DDP's copy of
them and the optimiser's momentum, the momentum encoder, the queue, blocks of the loss, and the
hierarchy of ImageNet. The keys' forward pass, which keeps nothing, and the backward pass hold up to
four activations of the largest layer beside them.

CUDA's context, cuDNN and NCCL take about 2 GB, and torch's allocator loses a share to fragments: so
a batch counts as fitting if its sum is at most 90 % of the memory without those 2 GB. The batch
that accumulates counts as one of its parts: `8 x 256` accumulated twice has the row of 256.
"""

import argparse
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

import mmrcl.threads  # noqa: F401  before torch

import measure
import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.registry import init_default_scope
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmrcl.registry import MODELS

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / 'configs/rcl/rcl_resnet50_8xb512-coslr-200e_in1k.py'
IMAGENET = 1_281_167
GB = 1e9
# Logits, weights and masks of one block of 2^25 products, see mmrcl.models.streaming_logsumexp.
LOSS_BLOCKS = 3 * 4 * 2**25
# CUDA's context, cuDNN's and NCCL's own memory.
RUNTIME = 2.0
# Share of the rest that torch's allocator makes use of.
USABLE = 0.9


class Activations(NamedTuple):
    """Bytes that a forward pass keeps.

    Attributes:
        total: of all storages that autograd saves, parameters and buffers left out.
        largest: of the largest of them.
    """

    total: float
    largest: float


def build(path: Path) -> nn.Module:
    config = Config.fromfile(path)
    model = MODELS.build(dict(config.model, data_preprocessor=config.data_preprocessor)).train()
    if getattr(model, 'hierarchy', None) is not None:
        model.hierarchy.allocate(100)
    return model


def activations(model: nn.Module, batch: int, pixels: int, dtype: str) -> Activations:
    """Measure what one step of a model saves for backward."""
    owned = {each.untyped_storage().data_ptr() for each in tensors(model)}
    saved: dict[int, tuple[int, object]] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in owned:
            # The storage is kept, so that no other one gets its address.
            saved[storage.data_ptr()] = storage.nbytes(), storage
        return tensor

    views = [torch.randn(batch, 3, pixels, pixels) for _ in range(2)]
    samples = [DataSample(metainfo=dict(sample_idx=index)) for index in range(batch)]
    context = nullcontext() if dtype == 'float32' else torch.autocast('cpu', torch.bfloat16)
    with context, torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model.loss(views, samples)
    sizes = [size for size, _ in saved.values()]
    return Activations(sum(sizes), max(sizes))


def tensors(model: nn.Module) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]


def bytes_of(*parts: Tensor) -> int:
    return sum(part.numel() * part.element_size() for part in parts)


def per_image(model: nn.Module, pixels: int, dtype: str) -> Activations:
    """Compute the growth of the activations with one more image."""
    few, more = (activations(model, batch, pixels, dtype) for batch in (4, 8))
    return Activations(*((b - a) / 4 for a, b in zip(few, more, strict=True)))


def fixed(model: nn.Module, bank_dtype: str) -> dict[str, float]:
    """Compute what does not depend on the batch, in GB."""
    trained = bytes_of(*(each for each in model.parameters() if each.requires_grad))
    keys = bytes_of(*(each for each in model.parameters() if not each.requires_grad))
    found = {
        'weights': trained,
        'gradients': trained,
        "DDP's buckets": trained,
        "the optimiser's momentum": trained,
        'momentum encoder': keys,
    }
    if hasattr(getattr(model, 'queue', None), 'features'):
        found['queue'] = bytes_of(*model.queue.buffers())
        found['blocks of the loss'] = LOSS_BLOCKS
    if getattr(model, 'hierarchy', None) is not None:
        row = model.hierarchy.bank.shape[1] * torch.finfo(getattr(torch, bank_dtype)).bits // 8
        found['labels'] = IMAGENET * 8 * model.hierarchy.labels.shape[0]
        found['bank'] = IMAGENET * row
    return {name: size / GB for name, size in found.items()}


def rows(model: nn.Module, constant: float, args: argparse.Namespace) -> list[dict[str, object]]:
    """Return a row for each precision and batch."""
    table: list[dict[str, object]] = []
    for dtype in ('float32', 'bfloat16'):
        image = per_image(model, args.pixels, dtype)
        for batch in args.batch:
            views = 2 * 3 * args.pixels**2 * 4 * batch / GB
            kept, work = image.total * batch / GB, 4 * image.largest * batch / GB
            total = constant + views + kept + work
            table.append(
                {
                    'precision': dtype,
                    'images a GPU': batch,
                    'accumulated for 4096 on 8 GPUs': max(1, 512 // batch),
                    'activations [GB]': f'{kept:.1f}',
                    'views [GB]': f'{views:.1f}',
                    'work of one layer [GB]': f'{work:.1f}',
                    'all else [GB]': f'{constant:.1f}',
                    'sum [GB]': f'{total:.1f}',
                    f'fits {args.memory:g} GB': fits(total, args.memory),
                }
            )
    return table


def fits(total: float, memory: float) -> str:
    return 'yes' if total <= USABLE * (memory - RUNTIME) else 'no'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--config', type=Path, default=CONFIG, help="(default: RCL's 200 epochs)")
    parser.add_argument(
        '--batch', type=int, nargs='+', default=[64, 128, 256, 512], help='images a GPU'
    )
    parser.add_argument('--pixels', type=int, default=224, help='height and width (224)')
    parser.add_argument('--memory', type=float, default=80, help='GB of a GPU (80)')
    parser.add_argument('--bank-dtype', default='float32', choices=['float32', 'float16'])
    parser.add_argument('--out', type=Path, help='CSV file to write')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    init_default_scope('mmrcl')
    MessageHub.get_current_instance().update_info('max_iters', 10_000)
    print(f'{measure.machine("onedl-mmpretrain")}; computed, not measured on a GPU\n')
    model = build(args.config)
    constant = fixed(model, args.bank_dtype)
    print('\n'.join(f'{name}: {size:.2f} GB' for name, size in constant.items()), end='\n\n')
    measure.show(rows(model, sum(constant.values()), args), args.out)


if __name__ == '__main__':
    main()
