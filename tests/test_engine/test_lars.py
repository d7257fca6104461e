"""LARS equals mmpretrain's, with few operations."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmpretrain.engine.optimizers import LARS as Literal
from torch import nn

from mmrcl.engine import LARS
from mmrcl.registry import OPTIMIZERS

from ..operations import READING, Operations

SHAPES = [(), (1,), (3,), (0, 2), (4, 3), (2, 3, 1, 1), (2, 3, 3, 3), (2, 2, 1, 3, 2)]
CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}

momenta = st.one_of(
    st.fixed_dictionaries(dict(momentum=st.sampled_from([0.0, 0.9]), dampening=st.just(0.3))),
    st.just(dict(momentum=0.9, nesterov=True, dampening=0.0)),
)
rates = st.fixed_dictionaries(
    dict(
        lr=st.sampled_from([0.0, 0.1, 4.8]),
        weight_decay=st.sampled_from([0.0, 1e-6, 0.1]),
        eta=st.sampled_from([1e-3, 0.02]),
        lars_exclude=st.booleans(),
    )
)
tensors = st.fixed_dictionaries(
    dict(
        shape=st.sampled_from(SHAPES),
        dtype=st.sampled_from([torch.float32, torch.float32, torch.float64]),
        zero=st.booleans(),
        last=st.booleans(),
        # What each of the steps finds; tiny ones show eps.
        gradients=st.lists(st.sampled_from(['some', 'tiny', 'zero', 'none']), min_size=2),
    )
)
groups = st.lists(st.tuples(rates, momenta, st.lists(tensors, min_size=1)), min_size=1, max_size=4)


def random(shape, dtype, last: bool) -> torch.Tensor:
    made = torch.randn(shape, dtype=torch.float64).to(dtype)
    layout = CHANNELS_LAST.get(made.dim()) if last else None
    return made.contiguous(memory_format=layout) if layout else made


def parameter_of(drawn: dict) -> nn.Parameter:
    made = random(drawn['shape'], drawn['dtype'], drawn['last'])
    return nn.Parameter(made.zero_() if drawn['zero'] else made)


def gradient_of(drawn: dict, step: int) -> torch.Tensor | None:
    kind = drawn['gradients'][step % len(drawn['gradients'])]
    made = random(drawn['shape'], drawn['dtype'], drawn['last'])
    return {'some': made, 'tiny': made * 1e-8, 'zero': torch.zeros_like(made), 'none': None}[kind]


def built(drawn: list, kind: type) -> tuple[torch.optim.Optimizer, list[nn.Parameter]]:
    torch.manual_seed(0)
    made = [
        dict(params=[parameter_of(tensor) for tensor in members], **rate, **momentum)
        for rate, momentum, members in drawn
    ]
    optimizer = kind(made, lr=1.0)
    return optimizer, [one for group in optimizer.param_groups for one in group['params']]


def take_steps(drawn: list, optimizer, parameters, count: range) -> None:
    flat = [tensor for *_, members in drawn for tensor in members]
    for step in count:
        torch.manual_seed(step)
        for parameter, tensor in zip(parameters, flat, strict=True):
            parameter.grad = gradient_of(tensor, step)
        for group in optimizer.param_groups:  # as a schedule does
            group['lr'] *= 0.9
        optimizer.step()


def assert_same(found, expected) -> None:
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6)


@settings(max_examples=40)
@given(groups)
def test_steps_and_state_are_mmpretrains(drawn):
    (one, found), (other, expected) = built(drawn, LARS), built(drawn, Literal)
    take_steps(drawn, one, found, range(6))
    take_steps(drawn, other, expected, range(6))
    assert_same(found, expected)
    own, literal = one.state_dict(), other.state_dict()
    assert own['param_groups'] == literal['param_groups']
    assert own['state'].keys() == literal['state'].keys()
    for key, state in literal['state'].items():
        assert_same(own['state'][key].values(), state.values())
        assert own['state'][key].keys() == state.keys()


@pytest.mark.parametrize('kinds', [(LARS, Literal), (Literal, LARS)])
@settings(max_examples=15)
@given(groups)
def test_a_checkpoint_of_either_continues_in_the_other(kinds, drawn):
    (before, parameters), (after, continued) = (built(drawn, kind) for kind in kinds)
    (alone, expected) = built(drawn, kinds[0])
    take_steps(drawn, before, parameters, range(3))
    after.load_state_dict(copy.deepcopy(before.state_dict()))
    for target, source in zip(continued, parameters, strict=True):
        target.data.copy_(source.data)
    take_steps(drawn, after, continued, range(3, 6))
    take_steps(drawn, alone, expected, range(6))
    assert_same(continued, expected)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_trains_as_mmpretrains(dtype):
    """Adapted rates are about 5e-7 here, which float16 would round by a tenth."""
    trained = []
    for kind in (LARS, Literal):
        torch.manual_seed(0)
        weight = nn.Parameter((torch.randn(40, 30) / 100).to(dtype))
        optimizer = kind([weight], lr=50.0, momentum=0.9, weight_decay=0.1)
        for _ in range(3):
            weight.grad = (torch.randn(40, 30) * 1000).to(dtype)
            optimizer.step()
        assert optimizer.state[weight]['momentum_buffer'].dtype == dtype
        trained.append(weight)
    eps = torch.finfo(dtype).eps
    torch.testing.assert_close(*trained, rtol=2 * eps, atol=eps / 100)


def test_a_closure_is_called_with_gradients():
    weight = nn.Parameter(torch.ones(3))

    def closure():
        loss = (weight**2).sum()
        loss.backward()
        return loss

    assert LARS([weight], lr=0.1).step(closure) == 3
    assert (weight < 1).all()


def test_layouts_other_than_dense_are_trained_too():
    trained = []
    for kind in (LARS, Literal):
        whole = torch.arange(1.0, 25).view(4, 6)
        weight = nn.Parameter(whole[:, ::2])
        weight.grad = torch.ones(4, 3)
        kind([weight], lr=0.5).step()
        assert torch.equal(whole[:, 1::2], torch.arange(1.0, 25).view(4, 6)[:, 1::2])
        trained.append(weight)
    torch.testing.assert_close(*trained)


def test_a_gradient_scaler_skips_an_infinite_step():
    weight = nn.Parameter(torch.ones(2))
    optimizer = LARS([weight], lr=0.1, momentum=0.9)
    scaler = torch.amp.GradScaler('cpu', init_scale=4.0)
    for value, changes in ((float('inf'), False), (1.0, True)):
        before = weight.detach().clone()
        optimizer.zero_grad()
        scaler.scale((weight * value).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        assert torch.equal(before, weight) != changes


def operations(optimizer) -> list[str]:
    with Operations() as counted:
        optimizer.step()
    views = {'aten::split_with_sizes', 'aten::as_strided', 'aten::expand', 'aten::view'}
    views |= {'aten::unbind', 'aten::detach', 'aten::select'}
    return [name for name in counted.names if name not in views]


def test_operations_do_not_grow_with_the_number_of_tensors_and_read_nothing():
    counts = []
    for size in (3, 40):
        weights = [nn.Parameter(torch.ones(4, 4)) for _ in range(size)]
        groups = [dict(params=[one], lars_exclude=i % 3 == 0) for i, one in enumerate(weights)]
        optimizer = LARS(groups, lr=0.1, momentum=0.9, weight_decay=1e-6)
        for weight in weights:
            weight.grad = torch.ones_like(weight)
        optimizer.step()
        counts.append(operations(optimizer))
    assert counts[0] == counts[1]
    assert len(counts[0]) <= 20
    assert not READING & set(counts[0])


def test_configs_of_mmrcl_get_it_and_others_mmpretrains():
    assert OPTIMIZERS.get('LARS') is LARS
    assert OPTIMIZERS.get('mmpretrain.LARS') is Literal
    config = dict(optimizer=dict(type='LARS', lr=0.1))
    with DefaultScope.overwrite_default_scope('mmrcl'):
        assert type(build_optim_wrapper(nn.Linear(2, 2), config).optimizer) is LARS
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        assert type(build_optim_wrapper(nn.Linear(2, 2), config).optimizer) is Literal
