"""What an operation of torch launches on a CUDA device, and where the host waits for it."""

import math
from collections.abc import Iterator
from typing import Any

import torch
from pretended_tensor import PretendedTensor, alias, stays

# Launches of operations that need more than one.
LAUNCHES = {
    **{'sort': 4, 'topk': 2, 'cumsum': 2, 'nonzero': 3, 'masked_select': 4, 'bincount': 4},
    **{'_unique2': 8, 'unique_dim': 10, 'unique_consecutive': 6, 'equal': 2},
    **{'repeat_interleave': 3, 'linalg_inv_ex': 6},
}
# Waits of operations whose result depends on values.
WAITS = {
    **{'nonzero': 1, 'masked_select': 1, '_unique2': 1, 'unique_dim': 1, 'unique_consecutive': 1},
    **{'equal': 1, 'is_nonzero': 1, '_local_scalar_dense': 1, 'bincount': 2},
    **{'_linalg_check_errors': 1},
}
# Allocations, views in disguise, and reads that are waits alone.
FREE = {
    *('empty', 'empty_like', 'new_empty', 'empty_strided', 'new_empty_strided', 'resize_', 'set_'),
    *('_unsafe_view', 'lift_fresh', 'is_same_size', 'record_stream', 'detach', 'detach_'),
    *('_local_scalar_dense', 'is_nonzero', '_linalg_check_errors'),
}
INDEXING = ('index', 'index_put', 'index_put_')
# Tensors of one launch of a foreach operation.
FOREACH = 48


def launches_of(func: Any, args: Any) -> int:
    """Return the number of kernels of an operation; views and allocations launch none."""
    name, shared = name_of(func), alias(func)
    if name in FREE or (shared is not None and not shared.is_write):
        return 0
    if name.startswith('_foreach'):
        return math.ceil(len(args[0]) / FOREACH)
    return LAUNCHES.get(name, 1) + (LAUNCHES['nonzero'] if _reads_mask(name, args) else 0)


def waits_of(func: Any, args: Any, kwargs: Any) -> Iterator[str]:
    """Yield the reason of each wait of an operation."""
    name = name_of(func)
    yield from [name] * WAITS.get(name, 0)
    if name == '_to_copy':
        if isinstance(args[0], PretendedTensor) != stays(args[0], kwargs):
            yield from _unless(kwargs.get('non_blocking'), 'copy')
    elif name == 'copy_':
        if isinstance(args[0], PretendedTensor) != isinstance(args[1], PretendedTensor):
            yield from _unless(args[2] if len(args) > 2 else kwargs.get('non_blocking'), 'copy')
    elif name == 'repeat_interleave':
        yield from _unless(kwargs.get('output_size') is not None, name)
    elif name in INDEXING:
        yield from _waits_of_index(name, args)


def name_of(func: Any) -> str:
    """Return the name of an operation, without namespace and overload."""
    name: str = func._schema.name.split('::')[1]
    return name


def _unless(condition: object, reason: str) -> list[str]:
    return [] if condition else [reason]


def _waits_of_index(name: str, args: Any) -> Iterator[str]:
    for index in args[1]:
        if index is not None and not isinstance(index, PretendedTensor):
            yield 'index on the CPU'
    if _reads_mask(name, args):
        yield 'boolean mask'
    if name != 'index' and not _masks(args) and not isinstance(args[2], PretendedTensor):
        yield 'value on the CPU'


def _masks(args: Any) -> bool:
    dtypes = [index.dtype for index in args[1] if index is not None]
    return torch.bool in dtypes or torch.uint8 in dtypes


def _reads_mask(name: str, args: Any) -> bool:
    """Return whether a boolean mask is made into indices, whose number is read."""
    if name not in INDEXING or not _masks(args):
        return False
    # torch fills a mask by a number on the CPU without a look at the mask.
    return name == 'index' or isinstance(args[2], PretendedTensor)
