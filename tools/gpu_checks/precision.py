"""Twenty steps in each precision, and where a step waits for the GPU."""

import math
import statistics
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from functools import cache
from types import FrameType
from typing import Any

import torch

from .results import Check, Finding, Place
from .steps import RCL, Steps, in_precision, shipped

STEPS = 20
STEP_WAITS = 15
REFINEMENT_WAITS = 60
# Modules between a wait and the code that asked for it.
SKIPPED = ('torch', 'warnings', __package__)
WAIT = 'synchronizing CUDA operation'


@cache
def twenty_losses(place: Place, precision: str) -> list[float]:
    config = in_precision(shipped(RCL, place.toy), precision)
    return Steps(config, place, place.size(64, 16), place.size(100_000, 600)).losses(STEPS)


def ends(losses: list[float]) -> tuple[float, float]:
    """Return the means of the first and of the last five losses."""
    return statistics.fmean(losses[:5]), statistics.fmean(losses[-5:])


def float32(place: Place) -> Finding:
    first, last = ends(twenty_losses(place, 'float32'))
    falls = math.isfinite(last) and last < first
    return Finding(falls, {'first losses': first, 'last losses': last}, 'see the checks above')


def against_float32(place: Place, precision: str) -> Finding:
    """Compare the losses of twenty steps with those in float32."""
    reference = ends(twenty_losses(place, 'float32'))
    found = ends(twenty_losses(place, precision))
    off = max(abs(a - b) / abs(b) for a, b in zip(found, reference, strict=True))
    figures = {'first losses': found[0], 'last losses': found[1], 'off float32 by': off}
    return Finding(math.isfinite(found[1]) and off < 0.05, figures, 'train in another precision')


def bfloat16(place: Place) -> Finding:
    return against_float32(place, 'bfloat16')


def float16(place: Place) -> Finding:
    place.need_gpu('float16')
    return against_float32(place, 'float16')


def waiting_places(job: Callable[[], object]) -> Counter[str]:
    """Return where a job made the CPU wait, by torch's warnings of it, and how often."""
    places: Counter[str] = Counter()

    def note(message: Warning | str, *_: Any, **__: Any) -> None:
        if WAIT in str(message):
            places[caller()] += 1

    with warnings.catch_warnings():
        warnings.simplefilter('always')
        warnings.showwarning = note
        job()
    return places


def caller() -> str:
    """Return the innermost line of mmrcl on the stack, or else of a module other than torch's."""
    lines = []
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        lines.append(f'{frame.f_globals.get("__name__")}:{frame.f_lineno}')
        frame = frame.f_back
    ours = [line for line in lines if line.startswith('mmrcl.')]
    others = [line for line in lines if line.split('.')[0].split(':')[0] not in SKIPPED]
    return (ours or others)[0]


def waits(place: Place) -> Finding:
    """List where one step, and one refinement, make the CPU wait for the GPU."""
    place.need_gpu('counting waits for a GPU')
    steps = Steps(shipped(RCL, place.toy), place, place.size(64, 16), place.size(100_000, 600))
    steps.losses(3)
    step, refinement = (waiting_places(debugged(job)) for job in (steps.train, steps.refine))
    figures = {
        f'step (at most {STEP_WAITS})': step.total(),
        f'refinement (at most {REFINEMENT_WAITS})': refinement.total(),
        'places of the step': dict(step.most_common()),
        'places of the refinement': dict(refinement.most_common()),
    }
    few = step.total() <= STEP_WAITS and refinement.total() <= REFINEMENT_WAITS
    return Finding(few, figures, 'report the places: at each the GPU runs out of work')


def debugged(job: Callable[[], object]) -> Callable[[], None]:
    """Return a job during which torch warns of each wait."""

    def run() -> None:
        torch.cuda.set_sync_debug_mode('warn')
        try:
            job()
        finally:
            torch.cuda.set_sync_debug_mode('default')

    return run


CHECKS: dict[str, Check] = {
    '20 steps in float32': float32,
    '20 steps in bfloat16': bfloat16,
    '20 steps in float16': float16,
    'waits of a step': waits,
}
