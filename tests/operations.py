"""The operations that a piece of code asks torch for."""

from torch.utils._python_dispatch import TorchDispatchMode

# Operations for which a host waits for its device; `index` is one with a boolean mask.
READING = {'aten::_local_scalar_dense', 'aten::nonzero', 'aten::index', 'aten::equal'}


class Operations(TorchDispatchMode):
    """Lists operations by name, in their order."""

    def __init__(self):
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.append(func._schema.name)
        return func(*args, **(kwargs or {}))
