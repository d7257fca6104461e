"""Measure time and memory of the loss over the support queue, forward and backward.

`streaming` is the log-sum-exp used by RelativeContrastiveLoss; `plain` stores all logits, as
torch.logsumexp does. Both run in turn on the same input, and the deviation of value and gradient
is printed beside the times.
"""

import argparse
from functools import partial
from pathlib import Path

import mmrcl.threads  # noqa: F401  before torch

import measure
import torch
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.models import streaming_logsumexp

TEMPERATURE = 0.1


def plain_logsumexp(
    queries: Tensor, entries: Tensor, query_labels: Tensor, entry_labels: Tensor
) -> Tensor:
    """Compute the log-sum-exp of (L, n, K) logits that are all stored."""
    excluded = (query_labels[:, :, None] == entry_labels[:, None]) | (entry_labels < 0)[:, None]
    logits = queries @ entries.T
    return logits.masked_fill_(excluded, torch.finfo(logits.dtype).min).logsumexp(2)


VERSIONS = dict(streaming=streaming_logsumexp, plain=plain_logsumexp)


def make_input(levels: int, batch: int, length: int, dim: int) -> tuple[Tensor, ...]:
    """Draw unit queries and entries, and dataset indices of ImageNet as labels."""
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    torch.manual_seed(0)
    queries = normalize(torch.randn(levels, batch, dim, device=device), dim=2)
    entries = normalize(torch.randn(length, dim, device=device), dim=1)
    labels = [torch.randint(1_281_167, (1, n), device=device) for n in (batch, length)]
    return queries.requires_grad_(), entries, *labels


def forward_backward(version: str, given: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """Compute value and gradient of the mean."""
    queries, *rest = given
    value = VERSIONS[version](queries / TEMPERATURE, *rest)
    return value.detach(), torch.autograd.grad(value.mean(), queries)[0]


def prepared(version: str, *sizes: int) -> measure.Job:
    """Prepare the job for the measurement of memory, in its own process."""
    job = partial(forward_backward, version, make_input(*sizes))
    # Libraries load their kernels at the first call, which must not count.
    forward_backward(version, make_input(1, 8, 64, sizes[3]))
    return job


def deviation(found: Tensor, expected: Tensor) -> float:
    """Compute the relative distance in the Euclidean norm."""
    return float((found - expected).norm() / expected.norm())


def compare(levels: int, batch: int, length: int, dim: int, repeats: int) -> dict[str, object]:
    """Return one row of the table."""
    given = make_input(levels, batch, length, dim)
    jobs = {name: partial(forward_backward, name, given) for name in VERSIONS}
    results = [job() for job in jobs.values()]
    value, gradient = (deviation(*pair) for pair in zip(*results, strict=True))
    times = measure.times_in_turn(jobs, repeats)
    ratios = [a / b for a, b in zip(times['streaming'], times['plain'], strict=True)]
    memory = {
        name: measure.peak_memory(prepared, name, levels, batch, length, dim) for name in VERSIONS
    }
    return {
        'batch': batch,
        'queue': length,
        'streaming [ms]': measure.spread(times['streaming'], 1e3),
        'plain [ms]': measure.spread(times['plain'], 1e3),
        'time ratio': measure.spread(ratios),
        'streaming [MiB]': round(memory['streaming'], 1),
        'plain [MiB]': round(memory['plain'], 1),
        'memory ratio': round(memory['streaming'] / memory['plain'], 3),
        'value off by': f'{value:.1e}',
        'gradient off by': f'{gradient:.1e}',
    }


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--levels', type=int, default=3, help='H (default: 3)')
    parser.add_argument('--batch', type=int, nargs='+', default=[256], help='N (default: 256)')
    parser.add_argument(
        '--queue', type=int, nargs='+', default=[4096, 16384, 98304], help='K (default: three)'
    )
    parser.add_argument('--dim', type=int, default=256, help='d (default: 256)')
    parser.add_argument('--repeats', type=int, default=10, help='timed calls (default: 10)')
    parser.add_argument('--out', type=Path, help='CSV file to write')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    print(f'{measure.machine()}\nmedian (minimum-maximum) of {args.repeats} calls\n')
    rows = [
        compare(args.levels, batch, length, args.dim, args.repeats)
        for batch in args.batch
        for length in args.queue
    ]
    measure.show(rows, args.out)


if __name__ == '__main__':
    main()
