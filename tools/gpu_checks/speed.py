"""Times of RCL's step, against NNCLR's positive and in other layouts."""

import statistics
from functools import partial
from typing import Any

import measure
import torch

from .results import IMAGENET, Check, Finding, Place, Skip, out_of_memory
from .steps import NNCLR_POSITIVE, RCL, Steps, in_layout, shipped

MOST_RATIO = 1.05


def step_times(place: Place, batch: int) -> dict[str, float]:
    """Return the median seconds of a step of RCL and of NNCLR's positive, taken in turn."""
    images = place.size(IMAGENET, 600)
    steps = {
        name: Steps(shipped(path, place.toy), place, batch, images).step
        for name, path in (('RCL', RCL), ('nnclr-positive', NNCLR_POSITIVE))
    }
    times = measure.times_in_turn(steps, place.size(20, 2), place.size(5, 1))
    return {name: statistics.median(taken) for name, taken in times.items()}


def ratio(place: Place, batch: int) -> Finding:
    """Compare the shipped configs, each in its own precision and layout."""
    times = out_of_memory(lambda: step_times(place, place.size(batch, 8)))
    if times is None:
        raise Skip(f'two models with {batch} images do not fit this GPU')
    found = times['RCL'] / times['nnclr-positive']
    figures = {
        'RCL [ms]': 1e3 * times['RCL'],
        'nnclr-positive [ms]': 1e3 * times['nnclr-positive'],
        f'ratio (at most {MOST_RATIO})': found,
    }
    remedy = 'see which part of the step is long: python tools/benchmarks/throughput.py'
    return Finding(place.judge(found <= MOST_RATIO), figures, remedy)


def layouts(place: Place) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the hooks of each layout of the model."""
    channels_last = dict(channels_last=dict(type='ChannelsLastHook'))
    # Compilation takes a minute; at toy size only the graphs are traced.
    options = {} if place.on_gpu else dict(backend='eager')
    compiled = dict(compile=dict(type='CompileHook', **options))
    return {
        'plain': {},
        'channels last': channels_last,
        'compiled': compiled,
        'both': channels_last | compiled,
    }


def compare_layouts(place: Place) -> Finding:
    """Compare times and first losses of the layouts in the shipped precision."""
    times, first = {}, {}
    for name, hooks in layouts(place).items():
        config = in_layout(shipped(RCL, place.toy), **hooks)
        steps = Steps(config, place, place.size(128, 8), place.size(100_000, 600))
        torch.manual_seed(0)
        first[name] = float(steps.step())
        times |= measure.times_in_turn({name: steps.step}, place.size(10, 1), place.size(3, 0))
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    ratios = {name: value / medians['plain'] for name, value in medians.items()}
    off = max(abs(loss - first['plain']) / abs(first['plain']) for loss in first.values())
    figures = {'step [ms]': 1e3 * medians['plain'], 'times it': ratios, 'losses off by': off}
    remedy = 'leave ChannelsLastHook and CompileHook out of the config on this machine'
    return Finding(off < 2e-2, figures, remedy)


CHECKS: dict[str, Check] = {
    'RCL over nnclr-positive, batch 64': partial(ratio, batch=64),
    'RCL over nnclr-positive, batch 256': partial(ratio, batch=256),
    'channels last and compile': compare_layouts,
}
