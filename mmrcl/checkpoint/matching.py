"""Locate the encoder in a checkpoint and compare its tensors with those of a module."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from .reading import read_checkpoint
from .safetensors_file import read_safetensors

State = Mapping[str, Tensor]

# Words in the prefixes of encoders that average another encoder's weights.
_AVERAGED = {'momentum', 'target', 'teacher', 'ema', 'k'}


class Match(NamedTuple):
    """Comparison of a checkpoint with a module.

    Attributes:
        prefix: prefix of the module's tensor names in the checkpoint.
        tensors: the module's tensors found in the checkpoint, by the module's names.
        missing: names of the module's tensors that the checkpoint lacks.
        unfit: names of tensors with another shape in the checkpoint, each with both shapes.
        surplus: names in the checkpoint that belong to a part of the module but that the module
            lacks, such as the blocks of a deeper network.
    """

    prefix: str
    tensors: dict[str, Tensor]
    missing: list[str]
    unfit: list[str]
    surplus: list[str]

    @property
    def is_whole(self) -> bool:
        """Whether names and shapes of the tensors are those of the module, exactly."""
        return not self.missing and not self.unfit and not self.surplus

    @property
    def coverage(self) -> str:
        """Summary such as ``300 of 318 tensors (94.3 %), named 'backbone.'...``."""
        held = len(self.tensors)
        wanted = held + len(self.missing) + len(self.unfit)
        named = f', named {self.prefix!r}...' if self.prefix and held else ''
        return f'{held} of {wanted} tensors ({_percent(held, wanted)} %){named}'

    @property
    def faults(self) -> str:
        """Description of the first missing, unfit and surplus tensor."""
        missing = [f'no {name}' for name in self.missing[:1]]
        surplus = [f'{name}, which the module lacks' for name in self.surplus[:1]]
        return ' and '.join(missing + self.unfit[:1] + surplus)


def _percent(part: int, whole: int) -> float:
    """Compute a percentage, rounded down so that only a complete match gives 100."""
    return int(1000 * part / whole) / 10


def load_weights(path: str | Path, trust: bool = False) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a checkpoint of any trainer.

    Args:
        path: a file or a URL that mmengine reads, or a file whose name ends with ``.safetensors``.
        trust: unpickle everything in the file, which runs code that it may contain.

    Returns:
        The tensors by name, from the entry ``state_dict`` or ``model`` if there is one, and the
        entry ``meta``, empty if there is none or it is no dict.

    Raises:
        FileNotFoundError: if the file does not exist.
        ImportError: for safetensors without the library.
        ValueError: if it contains no tensors, or more than data.
    """
    if str(path).endswith('.safetensors'):
        content: Any = read_safetensors(path)
    else:
        content = read_checkpoint(path, trust=trust)
    parts = content if isinstance(content, Mapping) else {}
    state = parts.get('state_dict', parts.get('model', parts))
    tensors = {}
    if isinstance(state, Mapping):
        tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    if not tensors:
        raise ValueError(f'{path} holds no tensors: pass a checkpoint')
    meta = parts.get('meta')
    return tensors, meta if isinstance(meta, dict) else {}


def match_encoder(
    state: State, module: State, prefix: str | None = None, ignored: Sequence[str] = ()
) -> Match:
    """Find the tensors of a module in a checkpoint under any prefix of their names.

    The prefix (``backbone.``, ``module.backbone.``, empty, ...) with the most of the module's names
    is chosen. On a tie the query encoder wins over a momentum encoder, target or teacher. Batch
    norm's ``num_batches_tracked`` may be missing. If all tensors of the module belong to one part,
    as those of a wrapper do, the checkpoint may hold them without the name of the part.

    Args:
        state: the tensors of the checkpoint.
        module: the module's tensors; only names and shapes are used.
        prefix: the prefix to use instead of the detected one.
        ignored: layers of the checkpoint that the module lacks on purpose, such as a classifier.

    Raises:
        ValueError: if several encoders match equally well.
    """
    found = _match(state, module, prefix, ignored)
    parts = {name.partition('.')[0] for name in module}
    if found.is_whole or len(parts) != 1:
        return found
    (part,) = parts
    bare = {name.removeprefix(f'{part}.'): tensor for name, tensor in module.items()}
    inner = _match(state, bare, prefix, ignored)
    if len(inner.tensors) <= len(found.tensors):
        return found
    tensors = {f'{part}.{name}': tensor for name, tensor in inner.tensors.items()}
    return inner._replace(tensors=tensors)


def _match(state: State, module: State, prefix: str | None, ignored: Sequence[str]) -> Match:
    wanted = [name for name in module if not name.endswith('num_batches_tracked')]
    if prefix is None:
        prefix = _find_prefix(state, wanted)
    tensors, missing, unfit = {}, [], []
    for name, reference in module.items():
        tensor = state.get(prefix + name)
        if tensor is None:
            missing += [name] if name in wanted else []
        elif tensor.shape != reference.shape:
            shapes = f'{tuple(tensor.shape)}, not {tuple(reference.shape)}'
            unfit.append(f'{name} of shape {shapes}')
        else:
            tensors[name] = tensor
    parts = {name.split('.')[0] for name in module}
    held = (name[len(prefix) :] for name in state if name.startswith(prefix))
    left_out = tuple(f'{layer}.' for layer in ignored)
    surplus = [
        name
        for name in held
        if name not in module and name.split('.')[0] in parts and not name.startswith(left_out)
    ]
    return Match(prefix, tensors, missing, unfit, surplus)


def _find_prefix(state: State, wanted: Sequence[str]) -> str:
    counts: dict[str, int] = {}
    for name in wanted:
        for key in state:
            if key.endswith(name):
                before = key[: len(key) - len(name)]
                if not before or before.endswith('.'):
                    counts[before] = counts.get(before, 0) + 1
    most = max(counts.values(), default=0)
    best = [prefix for prefix, count in counts.items() if count == most]
    queries = [prefix for prefix in best if _AVERAGED.isdisjoint(re.split(r'[._]', prefix))]
    found = queries or best or ['']
    # Several incomplete matches are no error here: the caller reports what the first one lacks.
    if len(found) > 1 and most == len(wanted):
        names = ', '.join(repr(prefix) for prefix in sorted(found))
        raise ValueError(f'{len(found)} encoders fit alike, named {names}: pass one as the prefix')
    return found[0]
