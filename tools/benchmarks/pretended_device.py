"""A pretended CUDA device, which counts what a step asks of a GPU.

Tensors on it say ``cuda:0`` and hold real values, which the CPU computes. So code that depends on
data takes the branches that it takes on a GPU, on a machine without one and without torch's CUDA.

Counted, for each phase:

- **kernels**: operations that launch a kernel. Views and allocations launch none; operations of
  several launches, such as a sort, count as often (`launches.py`). A collective counts once. A
  library may launch more, or fuse what torch dispatches one by one.
- **waits**: points where the host waits for the device. They are numbers read from it (``item``,
  ``bool``, ``tolist``), results whose shape depends on data (``nonzero``, boolean masks,
  ``unique``), and copies between host and device that are not ``non_blocking``.

Not counted is the backward pass: autograd's engine wants a real device. Its kernels are mostly the
libraries' own, a fixed number for each kernel of the forward pass. A tensor on the CPU among ones
on the device is an error, as it is with CUDA.
"""

import contextlib
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from cuda_operations import CUDA_ONLY
from launches import INDEXING, launches_of, name_of, waits_of
from pretended_tensor import DEVICE, PretendedTensor, asks_for_cuda, inner, outer, stays
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

ROOT = str(Path(__file__).parents[2])


class PretendedDevice:
    """Count kernels and waits by phase while the context is open.

    Attributes:
        kernels: number of launches by phase.
        waits: number of waits by phase.
        places: number of waits by reason and line of code.
    """

    def __init__(self) -> None:
        self._phases = ['rest']
        self.kernels: Counter[str] = Counter()
        self.waits: Counter[str] = Counter()
        self.places: Counter[str] = Counter()
        self.counting = True

    def clear(self) -> None:
        """Forget all counts."""
        for counts in (self.kernels, self.waits, self.places):
            counts.clear()

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count what happens inside as ``name``."""
        self._phases.append(name)
        try:
            yield
        finally:
            self._phases.pop()

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        """Count nothing that happens inside."""
        before, self.counting = self.counting, False
        try:
            yield
        finally:
            self.counting = before

    def watch(self, owner: Any, method: str, phase: str) -> None:
        """Count the calls of a method of one object as ``phase``."""
        function = getattr(owner, method)

        def watched(*args: Any, **kwargs: Any) -> Any:
            with self.phase(phase):
                return function(*args, **kwargs)

        object.__setattr__(owner, method, watched)

    @contextlib.contextmanager
    def open(self) -> Iterator['PretendedDevice']:
        """Make ``device='cuda'`` the pretended device."""
        with contextlib.ExitStack() as stack:
            for target, value in _replaced():
                stack.enter_context(mock.patch(target, value))
            stack.enter_context(mock.patch('torch.cuda.Event', lambda *_, **__: _Event(self)))
            torch._C._ensureCUDADeviceGuardSet()
            stack.enter_context(_Functions(self))
            stack.enter_context(_Operations(self))
            yield self

    def move(self, module: nn.Module) -> nn.Module:
        """Move a module to the device, in place; its parameters stay the same objects."""
        with self.silent():
            for one in module.modules():
                for parameter in list(one._parameters.values()):
                    if parameter is not None and parameter.device != DEVICE:
                        moved = nn.Parameter(PretendedTensor(parameter.data), False)
                        moved.requires_grad_(parameter.requires_grad)
                        torch.utils.swap_tensors(parameter, moved)
                for name, buffer in list(one._buffers.items()):
                    if buffer is not None and buffer.device != DEVICE:
                        one._buffers[name] = PretendedTensor(buffer)
        return module

    def launch(self, number: int) -> None:
        if self.counting:
            self.kernels[self._phases[-1]] += number

    def wait(self, reason: str) -> None:
        if self.counting:
            self.waits[self._phases[-1]] += 1
            self.places[f'{reason} at {_place()}'] += 1


class _Event:
    """A point in the work of the device, for which the host may wait."""

    def __init__(self, device: PretendedDevice) -> None:
        self.device = device

    def record(self, stream: object = None) -> None:
        pass

    def synchronize(self) -> None:
        self.device.wait('event')


def _replaced() -> list[tuple[str, Any]]:
    """List what asks for a real device, and its replacement."""
    found: list[tuple[str, Any]] = [
        ('torch.cuda._lazy_init', lambda: None),
        ('torch.cuda.current_device', lambda: 0),
        ('torch.cuda.get_device_capability', lambda *_: (8, 0)),
        ('torch.cuda.is_bf16_supported', lambda *_: True),
        ('torch.cuda.amp.common.amp_definitely_not_available', lambda: False),
    ]
    if 'mmengine' in sys.modules:
        # Its collectives would copy to the CPU for gloo, which stands for NCCL here.
        found += [
            ('mmengine.dist.dist.get_comm_device', lambda group=None: DEVICE),
            ('mmengine.device.utils.DEVICE', 'cuda'),
        ]
    return found


def _place() -> str:
    """Return the innermost line of this repository, or else of OpenMMLab or torch.nn."""
    frame, other = sys._getframe(2), 'elsewhere'
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith(f'{ROOT}/mmrcl/'):
            return f'{path.removeprefix(ROOT + "/")}:{frame.f_lineno}'
        outside = path.rpartition('site-packages/')[2]
        if other == 'elsewhere' and outside.startswith(('mm', 'torch/nn/', 'torch/optim/')):
            other = f'{outside}:{frame.f_lineno}'
        frame = frame.f_back  # type: ignore[assignment]
    return other


class _Functions(TorchFunctionMode):
    """Functions that read Python values, which reach no dispatcher as such."""

    def __init__(self, device: PretendedDevice) -> None:
        super().__init__()
        self.device = device

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        kwargs.pop('pin_memory', None)
        first = args[0] if args else None
        ours = isinstance(first, PretendedTensor)
        if func in (torch.tensor, torch.as_tensor) and asks_for_cuda(kwargs) and not ours:
            self.device.wait('tensor from Python values')
            del kwargs['device']
            return PretendedTensor(func(*args, **kwargs))
        if func is Tensor.pin_memory:
            return first
        if not ours:
            return func(*args, **kwargs)
        if func is Tensor.new_tensor:
            self.device.wait('tensor from Python values')
            return PretendedTensor(torch.tensor(*args[1:], **{'dtype': first.dtype, **kwargs}))
        if func is Tensor.tolist:
            self.device.wait('tolist')
            return first.inner.tolist()
        if func is Tensor.numpy:
            raise TypeError("can't convert a tensor on the pretended device to NumPy")
        if func in (Tensor.__getitem__, Tensor.__setitem__):
            args = (first, self._index(args[1]), *args[2:])
        return func(*args, **kwargs)

    def _index(self, index: Any) -> Any:
        if isinstance(index, tuple):
            return tuple(self._index(part) for part in index)
        if isinstance(index, list):
            self.device.wait('list as index')
            return PretendedTensor(torch.tensor(index))
        return index


class _Operations(TorchDispatchMode):
    """Operations as the dispatcher sees them, below autograd and autocast."""

    def __init__(self, device: PretendedDevice) -> None:
        super().__init__()
        self.device = device

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        leaves = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
        ours = [isinstance(each, PretendedTensor) for each in leaves]
        if not any(ours) and not asks_for_cuda(kwargs):
            return func(*args, **kwargs)
        name = name_of(func)
        if name not in ('_to_copy', 'copy_', *INDEXING):
            _refuse_mixture(name, leaves)
        self.device.launch(launches_of(func, args))
        for reason in waits_of(func, args, kwargs):
            self.device.wait(reason)
        inner_args, inner_kwargs = tree_map(inner, (args, kwargs))
        to_host = name == '_to_copy' and not stays(args[0], kwargs)
        if 'device' in inner_kwargs:
            inner_kwargs['device'] = 'cpu'
        out = CUDA_ONLY.get(name, func)(*inner_args, **inner_kwargs)
        if func.namespace == 'c10d':
            # Collectives work in place: the outputs are those given, and the last is the handle.
            return (*args[: len(out) - 1], out[-1]) if isinstance(out, tuple) else out
        return out if to_host else outer(func, args, kwargs, out)


def _refuse_mixture(name: str, leaves: list[Tensor]) -> None:
    on_host = [each for each in leaves if not isinstance(each, PretendedTensor) and each.dim() > 0]
    if on_host:
        raise RuntimeError(f'{name} mixes tensors on the CPU and on the device')
