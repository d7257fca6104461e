"""Where a checkpoint keeps its encoder, and how much of a module it fills."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mmengine.runner.checkpoint import _load_checkpoint
from torch import Tensor

State = Mapping[str, Tensor]

# Words in the prefixes of encoders that follow another one's weights, as in momentum_encoder.
_FOLLOWERS = {'momentum', 'target', 'teacher', 'ema', 'k'}


class Match(NamedTuple):
    """How a checkpoint fits a module.

    Attributes:
        prefix: what the checkpoint puts before the names of the module's tensors.
        tensors: those of the module that it holds, by the module's names.
        missing: names of the module's tensors that it does not hold.
        unfit: names of those that it holds in another shape, each with both shapes.
        surplus: names that it holds in parts that the module has too, but not with them: those of
            a deeper network.
    """

    prefix: str
    tensors: dict[str, Tensor]
    missing: list[str]
    unfit: list[str]
    surplus: list[str]

    @property
    def is_whole(self) -> bool:
        """Whether the module's tensors, in their shapes, are those of the same network."""
        return not self.missing and not self.unfit and not self.surplus

    @property
    def coverage(self) -> str:
        """As in ``300 of 318 tensors (94.3 %), named 'backbone.'...``."""
        held = len(self.tensors)
        wanted = held + len(self.missing) + len(self.unfit)
        named = f', named {self.prefix!r}...' if self.prefix and held else ''
        return f'{held} of {wanted} tensors ({_percent(held, wanted)} %){named}'

    @property
    def faults(self) -> str:
        """The first tensor of each kind that is wrong."""
        missing = [f'no {name}' for name in self.missing[:1]]
        surplus = [f'{name}, which the other has no place for' for name in self.surplus[:1]]
        return ' and '.join(missing + self.unfit[:1] + surplus)


def _percent(part: int, whole: int) -> float:
    """Rounded down, so that 100 is all of them."""
    return int(1000 * part / whole) / 10


def load_weights(path: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Reads a checkpoint of whatever trainer.

    Args:
        path: a file or an address that mmengine reads.

    Returns:
        The tensors by name, taken from ``state_dict`` or ``model`` where there is one, and what is
        told of them in ``meta``, empty where nothing is.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it holds no tensors.
    """
    try:
        content = _load_checkpoint(str(path), map_location='cpu')
    except FileNotFoundError:
        raise
    except Exception as error:  # What is no pickle can raise anything.
        raise ValueError(f'{path} is torn or no checkpoint: {error}') from error
    parts = content if isinstance(content, Mapping) else {}
    state = parts.get('state_dict', parts.get('model', parts))
    tensors = {}
    if isinstance(state, Mapping):
        tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    if not tensors:
        raise ValueError(f'{path} holds no tensors: name a checkpoint')
    return tensors, parts.get('meta', {})


def match_encoder(state: State, module: State, prefix: str | None = None) -> Match:
    """Finds the tensors of a module in a checkpoint, whatever is put before their names.

    Of all prefixes (``backbone.``, ``module.backbone.``, none...) the one counts under which most
    of the module's names are there; of equal ones, the encoder that follows no other: not a
    momentum encoder, target or teacher. Batch norm's count of batches need not be there.

    Args:
        state: the tensors of the checkpoint.
        module: the module's tensors, of which names and shapes count.
        prefix: settles which one to take.

    Raises:
        ValueError: if several encoders fit alike.
    """
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
    surplus = [name for name in held if name not in module and name.split('.')[0] in parts]
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
    leaders = [prefix for prefix in best if _FOLLOWERS.isdisjoint(re.split(r'[._]', prefix))]
    found = leaders or best or ['']
    if len(found) > 1 and most == len(wanted):
        names = ', '.join(repr(prefix) for prefix in sorted(found))
        raise ValueError(f'{len(found)} encoders fit alike, named {names}: name one as the prefix')
    return found[0]
