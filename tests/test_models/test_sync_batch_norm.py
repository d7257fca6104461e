"""Synchronised batch norm equals plain batch norm over the union of the batches."""

import copy
import socket
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from hypothesis import given
from hypothesis import strategies as st
from mmcv.cnn import build_norm_layer
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DefaultScope
from torch import nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from mmrcl.engine.norm_statistics import norm_statistics
from mmrcl.models import SyncBatchNorm
from mmrcl.models.norms import plain_operations
from mmrcl.models.norms.sync_batch_norm import _Normalise

from ..operations import READING, Operations

TOLERANCES = {torch.float64: 1e-10, torch.float32: 1e-6}


class Plain(_BatchNorm):
    """torch's batch norm of any number of dimensions."""

    def _check_input_dim(self, input):
        pass


def random(*shape: int, seed: int = 0, dtype=torch.float64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)


def images(*shape: int, seed: int = 0, dtype=torch.float64) -> torch.Tensor:
    """Channels with means that differ, from zero and from each other."""
    means = torch.arange(shape[1]).view(1, -1, *[1] * (len(shape) - 2))
    return (random(*shape, seed=seed) + means).to(dtype)


def assert_close(found, expected, tolerance: float) -> None:
    """Compares tensors, or sequences of them, in units of the largest value expected."""
    if isinstance(expected, torch.Tensor):
        found, expected = [found], [expected]
    for one, other in zip(found, expected, strict=True):
        scale = max(1.0, float(other.detach().abs().max()))
        torch.testing.assert_close(one.double(), other.double(), rtol=0, atol=tolerance * scale)


# The operations, with all processes in one


@given(
    sizes=st.lists(st.integers(1, 5), min_size=2, max_size=4),
    rest=st.sampled_from([(), (3,), (2, 3), (2, 1, 3)]),
    affine=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_operations_on_parts_equal_batch_norm_of_the_whole(sizes, rest, affine, seed):
    whole = images(sum(sizes), 3, *rest, seed=seed).requires_grad_()
    weight, bias = random(2, 3, seed=1).requires_grad_().unbind() if affine else (None, None)
    running = [torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)]
    expected_running = copy.deepcopy(running)
    expected = F.batch_norm(whole, *expected_running, weight, bias, True, 0.2, 1e-5)
    upstream = random(*whole.shape, seed=seed + 1)
    wanted = [one for one in (whole, weight, bias) if one is not None]
    expected_gradients = torch.autograd.grad(expected, wanted, upstream)

    parts, grads = whole.detach().split(sizes), upstream.split(sizes)
    each = [plain_operations.batch_norm_stats(part, 1e-5) for part in parts]
    counts = torch.tensor([part.numel() / 3 for part in parts], dtype=torch.float64)
    means, invstds = (torch.stack(list(column)) for column in zip(*each, strict=True))
    statistics = plain_operations.batch_norm_gather_stats_with_counts(
        whole, means, invstds, *running, 0.2, 1e-5, counts
    )
    found = [
        plain_operations.batch_norm_elemt(part, weight, bias, *statistics, 1e-5) for part in parts
    ]
    reduced = [
        plain_operations.batch_norm_backward_reduce(
            grad, part, *statistics, weight, True, affine, affine
        )
        for part, grad in zip(parts, grads, strict=True)
    ]
    sums = [sum(column) for column in list(zip(*reduced, strict=True))[:2]]
    of_input = [
        plain_operations.batch_norm_backward_elemt(
            grad, part, *statistics, weight, *sums, counts.int()
        )
        for part, grad in zip(parts, grads, strict=True)
    ]
    assert_close(torch.cat(found), expected, 1e-10)
    assert_close(torch.cat(of_input), expected_gradients[0], 1e-10)
    assert_close(running, expected_running, 1e-10)
    for column, gradient in zip((2, 3), expected_gradients[1:], strict=False):
        assert_close(sum(one[column] for one in reduced), gradient, 1e-10)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
@pytest.mark.parametrize('dtype', [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
def test_operations_are_those_of_torch_on_cuda(dtype, layout):
    x, grad = (
        random(6, 5, 4, 3, seed=seed).to('cuda', dtype, memory_format=layout) for seed in (0, 1)
    )
    weight, bias = random(2, 5, seed=2, dtype=torch.float32).cuda()
    counts = torch.tensor([72.0, 36.0], device='cuda')
    results = []
    for operations in (torch, plain_operations):
        running = [torch.zeros(5, device='cuda'), torch.ones(5, device='cuda')]
        mean, invstd = operations.batch_norm_stats(x, 1e-5)
        two = torch.stack([mean, mean + 1]), torch.stack([invstd, invstd * 2])
        common = operations.batch_norm_gather_stats_with_counts(
            mean, *two, *running, 0.1, 1e-5, counts
        )
        output = operations.batch_norm_elemt(x, weight, bias, *common, 1e-5)
        sums = operations.batch_norm_backward_reduce(grad, x, *common, weight, True, True, True)
        of_input = operations.batch_norm_backward_elemt(
            grad, x, *common, weight, *sums[:2], counts.int()
        )
        results.append([mean, invstd, *common, *running, output, *sums, of_input])
    for one, other in zip(*results, strict=True):
        assert one.dtype == other.dtype
        assert one.stride() == other.stride()
        half = one.dtype in (torch.float16, torch.bfloat16)
        torch.testing.assert_close(one, other, **({} if half else dict(rtol=1e-4, atol=1e-4)))


# The layer, with two processes

SETTINGS: list[dict[str, Any]] = [
    dict(),
    dict(momentum=None),
    dict(momentum=0.7, eps=0.1),
    dict(affine=False),
    dict(track_running_stats=False),
]
SHAPES = [(12, 5), (6, 5, 4), (6, 5, 4, 3)]


def layers(settings: dict, dtype: torch.dtype) -> tuple[SyncBatchNorm, Plain]:
    """Build a layer and its reference in float64."""
    made = SyncBatchNorm(5, **settings).to(dtype), Plain(5, **settings).double()
    if made[0].affine:
        for layer in made:
            layer.weight.data.copy_(random(1, 5, seed=3, dtype=torch.float32)[0])
            layer.bias.data.copy_(random(1, 5, seed=4, dtype=torch.float32)[0])
    return made


def share_of(rank: int, batch: int, equal: bool) -> slice:
    middle = batch // 2 if equal else batch // 3
    return slice(0, middle) if rank == 0 else slice(middle, batch)


def check_layer(rank: int, settings: dict, shape, dtype, equal: bool, last: bool) -> None:
    """Three training steps and evaluation; gradients of the parameters add up over the ranks."""
    found, expected = layers(settings, dtype)
    own, tolerance = share_of(rank, shape[0], equal), TOLERANCES[dtype]
    for step in range(3):
        whole = images(*shape, seed=step, dtype=dtype)
        if last:
            whole = whole.contiguous(memory_format=torch.channels_last)
        upstream = random(*shape, seed=step + 10, dtype=dtype)
        part = whole[own].detach().requires_grad_()
        whole = whole.double().requires_grad_()
        output = found(part)
        found.zero_grad()
        expected.zero_grad()
        output.backward(upstream[own])
        expected_output = expected(whole)
        expected_output.backward(upstream.double())
        assert_close(output, expected_output[own], tolerance)
        assert not last or output.is_contiguous(memory_format=torch.channels_last)
        assert_close(part.grad, whole.grad[own], tolerance)
        for one, other in zip(found.parameters(), expected.parameters(), strict=True):
            dist.all_reduce(one.grad)
            assert_close(one.grad, other.grad, tolerance)
    assert_close(found.buffers(), expected.buffers(), tolerance)
    values = images(*shape, seed=20, dtype=dtype)
    assert_close(found.eval()(values), expected.eval()(values.double()), tolerance)


def check_half_precision(rank: int, dtype: torch.dtype) -> None:
    """Statistics of half precision are float32; the output is as wide as the input."""
    found, expected = layers({}, torch.float32)
    whole = images(6, 5, 4, 3, dtype=dtype)
    part = whole[share_of(rank, 6, True)].requires_grad_()
    with torch.autocast('cpu', dtype):
        output = found(part)
    assert output.dtype == dtype
    expected_output = expected(whole.double())
    own = share_of(rank, 6, True)
    eps = torch.finfo(dtype).eps
    assert_close(output, expected_output[own], eps)
    assert_close(found.buffers(), expected.buffers(), 1e-6)
    output.sum().backward()
    assert part.grad.dtype == dtype
    assert found.weight.grad.dtype == torch.float32


def check_groups(rank: int) -> None:
    """Only the processes of the group share statistics."""
    alone = [dist.new_group([one]) for one in (0, 1)][rank]
    found, expected = layers(dict(), torch.float64)
    values = images(4, 5, seed=rank).requires_grad_()
    plain = expected(values)
    found.process_group = alone
    assert torch.equal(found(values), plain)
    # The exchange in a group of one, which the layer leaves out.
    exchanged = _Normalise.apply(
        values, found.weight, found.bias, None, None, 0.0, found.eps, alone
    )
    assert_close(exchanged, plain, 1e-10)
    both = [torch.autograd.grad(one.square().sum(), values)[0] for one in (exchanged, plain)]
    assert_close(*both, 1e-10)
    found.process_group = dist.new_group([0, 1])
    union = torch.cat([images(4, 5, seed=one) for one in (0, 1)])
    assert_close(found(values), expected(union)[4 * rank : 4 * rank + 4], 1e-10)


def check_ddp(rank: int, compiled: bool) -> None:
    """A model in DDP takes the step of one process with both batches, compiled or not."""
    torch.manual_seed(0)
    first, last = nn.Linear(5, 5).double(), nn.Linear(5, 1).double()
    found, expected = (nn.Sequential(first, norm, last) for norm in layers({}, torch.float64))
    found, expected = copy.deepcopy(found), copy.deepcopy(expected)
    if compiled:
        found.compile(backend='eager')
    parallel = nn.parallel.DistributedDataParallel(found, broadcast_buffers=False)
    whole = images(8, 5)
    parallel(whole[share_of(rank, 8, True)]).square().mean().backward()
    expected(whole).square().mean().backward()
    for one, other in zip(found.parameters(), expected.parameters(), strict=True):
        assert_close(one.grad, other.grad, 1e-10)
    assert_close(found.buffers(), expected.buffers(), 1e-10)


def check_frozen(rank: int) -> None:
    """Frozen parameters, and inputs that need no gradient, get none."""
    found, _ = layers({}, torch.float64)
    found.weight.requires_grad_(False)
    values = images(4, 5, seed=rank)
    found(values).sum().backward()
    assert found.weight.grad is None and found.bias.grad is not None
    with torch.no_grad():
        assert not found(values).requires_grad


def check_no_waits(rank: int) -> None:
    """Nothing is read from the device, except by ``momentum=None``."""
    for momentum, reads in ((0.1, set()), (None, {'aten::_local_scalar_dense'})):
        found, _ = layers(dict(momentum=momentum), torch.float32)
        with Operations() as counted:
            found(images(4, 5, seed=rank, dtype=torch.float32)).sum().backward()
        assert READING & set(counted.names) == reads


def one_rank(rank: int, port: int) -> None:
    torch.set_num_threads(1)
    dist.init_process_group('gloo', f'tcp://127.0.0.1:{port}', rank=rank, world_size=2)
    for dtype in TOLERANCES:
        for settings in SETTINGS:
            for shape in SHAPES:
                for equal in (True, False):
                    check_layer(rank, settings, shape, dtype, equal, last=False)
        check_layer(rank, {}, SHAPES[-1], dtype, True, last=True)
    for half in (torch.bfloat16, torch.float16):
        check_half_precision(rank, half)
    check_groups(rank)
    check_frozen(rank)
    check_no_waits(rank)
    check_ddp(rank, compiled=False)
    check_ddp(rank, compiled=True)
    for shape, message in (((0, 5), 'empty batch of shape'), ((5,), r'needs inputs \(N, C, ...\)')):
        with pytest.raises(ValueError, match=message):
            SyncBatchNorm(5)(torch.zeros(shape))
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_equal_batch_norm_of_the_union():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    mp.spawn(one_rank, (port,), nprocs=2)


# The layer, with one process


@pytest.mark.parametrize('settings', SETTINGS, ids=str)
def test_one_process_has_plain_batch_norm(settings):
    found, expected = layers(settings, torch.float64)
    for seed in range(2):
        values = images(6, 5, 4, 3, seed=seed)
        assert torch.equal(found(values), expected(values))
    assert_close(found.buffers(), expected.buffers(), 0.0)
    assert torch.equal(found.eval()(values), expected.eval()(values))


@pytest.mark.parametrize('settings', SETTINGS, ids=str)
def test_state_dicts_are_those_of_torch(settings):
    own, torchs = SyncBatchNorm(5, **settings), nn.SyncBatchNorm(5, **settings)
    own.load_state_dict(torchs.state_dict())
    torchs.load_state_dict(own.state_dict())
    assert list(own.state_dict()) == list(torchs.state_dict())


def test_configs_of_mmrcl_get_it_and_others_torchs():
    config = dict(type='SyncBN', requires_grad=False)
    with DefaultScope.overwrite_default_scope('mmrcl'):
        name, norm = build_norm_layer(config, 5, postfix=1)
        [torchs] = [build_norm_layer(dict(type='mmengine.SyncBN'), 5)[1]]
    assert (name, type(norm)) == ('bn1', SyncBatchNorm)
    assert isinstance(torchs, nn.SyncBatchNorm)
    assert not norm.weight.requires_grad
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        assert isinstance(build_norm_layer(config, 5)[1], nn.SyncBatchNorm)


def test_it_is_a_batch_norm_that_stays():
    model = nn.Sequential(SyncBatchNorm(5), nn.SyncBatchNorm(5), nn.BatchNorm2d(5))
    assert {name.split('.')[0] for name in norm_statistics(model)} == {'2'}
    assert type(revert_sync_batchnorm(model)[0]) is SyncBatchNorm
    assert isinstance(nn.SyncBatchNorm.convert_sync_batchnorm(model)[0], nn.SyncBatchNorm)
