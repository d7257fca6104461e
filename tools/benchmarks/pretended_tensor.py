"""Tensors of a pretended CUDA device, which hold real values on the CPU."""

from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

DEVICE = torch.device('cuda:0')


class PretendedTensor(Tensor):
    """A tensor on the pretended device; ``inner`` on the CPU has its values."""

    inner: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, inner: Tensor) -> 'PretendedTensor':
        new = Tensor._make_wrapper_subclass(
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=DEVICE,
        )
        new.inner = inner
        return new

    def __init__(self, inner: Tensor) -> None:
        pass

    def __repr__(self) -> str:
        return f'PretendedTensor({self.inner})'

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise RuntimeError('a tensor of the pretended device is used outside of it')


def inner(value: Any) -> Any:
    """Return what the CPU holds of a value."""
    return value.inner if isinstance(value, PretendedTensor) else value


def outer(func: Any, args: Any, kwargs: Any, out: Any) -> Any:
    """Wrap a result; an operation in place, or with ``out=``, returns what it was given."""
    shared = alias(func)
    if shared is not None and shared.is_write and len(func._schema.returns) == 1:
        return kwargs['out'] if 'out' in kwargs else args[0]
    return tree_map(lambda each: PretendedTensor(each) if isinstance(each, Tensor) else each, out)


def alias(func: Any) -> Any:
    """Return how the first result shares memory with an argument, or None."""
    returns = func._schema.returns
    return returns[0].alias_info if returns else None


def asks_for_cuda(kwargs: dict[str, Any]) -> bool:
    """Return whether the arguments of a function name the device."""
    device = kwargs.get('device')
    return device is not None and torch.device(device).type == 'cuda'


def stays(source: Tensor, kwargs: dict[str, Any]) -> bool:
    """Return whether the result of ``_to_copy`` is on the device."""
    if kwargs.get('device') is None:
        return isinstance(source, PretendedTensor)
    return asks_for_cuda(kwargs)
